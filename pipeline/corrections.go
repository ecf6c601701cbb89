package pipeline

import "regexp"

// A text says that it was corrected by a notice: a label at the head of a paragraph ("Correction:", "[정정]"), or a sentence of a fixed
// form ("An earlier version of this article said …"). A word alone is no notice: markets have corrections, too.
var (
	correctionLabels = regexp.MustCompile(`(?im)^[^\pL\n]{0,3}(?:` +
		`corrections?|corrections and clarifications|corrected|clarifications?|retraction|` + // English
		`korrektur|berichtigung|richtigstellung|gegendarstellung|` + // German
		`correction|rectificatif|rectification|erratum|droit de réponse|` + // French
		`corrección|rectificación|fe de errores|` + // Spanish
		`errata|errata corrige|correzione|rettifica|correção|` + // Italian, Portuguese
		`correctie|rectificatie|sprostowanie|rättelse|rettelse|düzeltme|tekzip|` + // Dutch, Polish, Swedish, Danish, Turkish
		`опровержение|исправление|исправлено|уточнение|поправка|спростування|виправлення|уточнення|` + // Russian, Ukrainian
		`정정|정정보도|정정합니다|바로잡습니다|반론보도|訂正|お詫びと訂正|更正|更正启事|勘误|` + // Korean, Japanese, Chinese
		`تصحيح|تصويب|توضيح|تنويه|اصلاحیه|تصحیح` + // Arabic, Persian
		`)(?:\s*[(（][^)）\n]{1,40}[)）])?(?:\s*[:：\]】—–]|\s+-\s|\s*$)`)
	correctionSentences = regexp.MustCompile(`(?i)` +
		`(?:earlier|previous|original) version of this (?:article|story|report|post)|` +
		`this (?:article|story|report) (?:has been|was) (?:corrected|amended|retracted)|` +
		`in einer (?:früheren|vorherigen|ersten) (?:version|fassung) (?:dieses|des) (?:artikels|textes|beitrags)|` +
		`une (?:première |précédente )?version (?:antérieure |précédente )?de cet article|` +
		`una versión anterior de est[ae] (?:artículo|nota|noticia)|` +
		`una versione precedente di quest|uma versão anterior (?:deste|desta)|` +
		`в (?:предыдущей|ранней|первоначальной) версии (?:этой |этого |данной )?(?:новости|статьи|текста|материала|заметки)|` +
		`у попередній версії|정정보도문|바로잡습니다|기사를 정정|記事を訂正|お詫びして訂正|本文已更正|` +
		`نسخة سابقة من هذا|النسخة السابقة من هذا`)
)

// notices counts the notices of correction in an article.
func notices(a *Article) int {
	s := a.Title + "\n\n" + a.Body
	return len(correctionLabels.FindAllStringIndex(s, -1)) + len(correctionSentences.FindAllStringIndex(s, -1))
}
