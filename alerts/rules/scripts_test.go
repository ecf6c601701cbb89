package rules

import (
	"strings"
	"testing"
)

// A case is a query, a body, and the marked text joined by "|"; "" means that the rule must not match.
type match struct{ query, body, want string }

func marked(t *testing.T, query string, d *Doc) string {
	t.Helper()
	s, err := Compile([]Rule{{Name: "r", Query: query}})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return spansOf(s.Match(d), d)
}

// spansOf is what the first hit marks, joined by "|"; "" without a hit.
func spansOf(hits []Hit, d *Doc) string {
	if len(hits) == 0 {
		return ""
	}
	var out []string
	for _, p := range hits[0].Spans {
		src := map[string]string{"title": d.Title, "body": d.Body, "author": strings.Join(d.Authors, ", "), "agency": d.Agency,
			"site": d.Site, "url": d.URL, "lang": d.Lang, "feed": d.Feed, "tag": strings.Join(d.Tags, ", ")}[p.Field]
		out = append(out, src[p.Start:p.End])
	}
	return strings.Join(out, "|")
}

func TestScripts(t *testing.T) {
	tags := map[string]string{"English": "en", "Russian": "ru", "Korean": "ko", "Arabic": "ar", "German": "de", "Chinese": "zh", "Japanese": "ja", "Greek": "el", "Turkish": "tr", "French": "fr"}
	for lang, cases := range map[string][]match{
		"English": {
			{`missile`, `A Missile flew.`, `Missile`},
			{`missile`, `Missiles flew.`, ``},
			{`missile*`, `Missiles and a missile flew.`, `Missiles|missile`},
			{`"north korea"`, `In North Korea and North-Korea.`, `North Korea|North-Korea`},
			{`"north korea"`, `Korea, north of`, ``},
			{`kim`, `Kim's army and Kim’s son`, `Kim|Kim`},
			{`K-9`, `K9, K-9 and K 9`, `K9|K-9|K 9`},
			{`K9`, `K9, K-9 and K 9`, `K9|K-9`},
			{`al-Qaeda`, `al Qaeda, Al-Qaeda, alqaeda`, `al Qaeda|Al-Qaeda|alqaeda`},
			{`alqaeda`, `the al-Qaeda cell`, `al-Qaeda`},
			{`"N. Korea"`, `said N. Korea today`, `N. Korea`},
			{`UN`, `the U.N. said`, `U.N.`},
			{`U.N.`, `the UN said`, `UN`},
			{`shell`, `she'll go`, ``},
			{`O'Brien`, `OBrien and O’Brien`, `OBrien|O’Brien`},
			{`email`, `an e-mail and an email`, `e-mail|email`},
			{`anti*`, `anti-tank and antitank`, `anti-tank|antitank`},
			{`wom?n`, `woman, women, womaan`, `woman|women`},
			{`=NATO`, `nato and NATO`, `NATO`},
			{`=US`, `they told us the US and U.S. law`, `US|U.S.`},
			{`1,000`, `1000 and 1,000 and 10,000`, `1000|1,000`},
			{`cafe`, `Café CAFÉ`, `Café|CAFÉ`},
			{`arms AND russia`, `arms only`, ``},
			{`arms -football`, `arms of a football team`, ``},
			{`arms NOT football`, `arms for Russia`, `arms`},
			{`(arms OR shells) russia`, `shells to Russia`, `shells|Russia`},
			{`missile NEAR/2 russia`, `a missile sent to Russia`, `missile|Russia`},
			{`missile NEAR/1 russia`, `a missile sent to Russia`, ``},
			{`russia ONEAR/5 missile`, `a missile sent to Russia`, ``},
			{`attack NEAR/1 iran`, `an attack—said Kim—by Iran`, ``}, // a dash stands between words
			{`attack NEAR/3 iran`, `an attack—said Kim–by Iran`, `attack|Iran`},
			{`attack NEAR/1 iran`, `the attack, hit‑and-run, by’s Iran`, ``},
			{`attack NEAR/1 iran`, `the attack, hit‑and-run, Iran`, `attack|Iran`},
			{`attack NEAR/0 iran`, `the attack´s Iran`, `attack|Iran`}, // an acute accent typed for an apostrophe
			{`"arms deal russia"~2`, `Russia and its big arms deal`, ``},
			{`"arms deal russia"~3`, `Russia and its big arms deal`, `Russia|arms|deal`},
			{`very NEAR/3 very`, `very good`, ``},
			{`very NEAR/3 very`, `very, very good`, `very|very`},
			{`Qur'an`, `the Quran`, `Quran`},
			{`J.D.`, `J. D. Vance, J.D. Vance, J Vance, D.`, `J. D|J.D.`},
			{`"J.D. Vance"`, `J. D. Vance, JD Vance, J.D. Vance, J. X. D. Vance`, `J. D. Vance|JD Vance|J.D. Vance`},
			{`"J. D. Vance"`, `J. D. Vance, JD Vance, J.D. Vance, D. J. Vance`, `J. D. Vance|JD Vance|J.D. Vance`},
			{`=J.D.`, `J. D. Vance`, ``},
			{`K-9*`, `K9A1, K-9A2, K-8 and K9`, `K9A1|K-9A2|K9`},
			{`SENTENCE (stop xi)`, `“Stop!” he told Xi.`, `Stop|Xi`},
			{`SENTENCE (stop xi)`, `“Will it stop?” He told Xi.`, ``},
		},
		"Russian": {
			{`ракета`, `Ракета летит`, `Ракета`}, {`РАКЕТА`, `ракета летит`, `ракета`}, {`ракета`, `Ракеты летят`, ``},
			{`ракет*`, `Ракеты и ракетный`, `Ракеты|ракетный`}, {`елка`, `Ёлка стоит`, `Ёлка`}, {`ёлка`, `елка стоит`, `елка`},
			{`мой`, `мои слова`, ``}, {`мой`, `Мой дом`, `Мой`}, {`"Северная Корея"`, `в Северная Корея — страна`, `Северная Корея`},
			{`северн* NEAR/1 коре*`, `в Северной Корее`, `Северной|Корее`}, {`США`, `С.Ш.А. и США`, `С.Ш.А.|США`},
			{`замок`, `за́мок`, `за́мок`}, {`Санкт-Петербург`, `санкт петербург`, `санкт петербург`}, {`=Мир`, `мир и Мир`, `Мир`},
			{`ким NOT футбол`, `Ким и футбол`, ``}, {`комп'ютер`, `компютер`, `компютер`}, {`су-57`, `Су-57 и Су57`, `Су-57|Су57`},
			{`~ракета`, `Ракетами и ракете`, `Ракетами|ракете`}, {`~санкция`, `новые санкции и санкциями`, `санкции|санкциями`}, {`~Путин`, `с Путиным и о Путине`, `Путиным|Путине`}, {`~оружие`, `оружия и вооружённый`, `оружия`},
			{`МИД`, `в МИД РФ и м.и.д.`, `МИД|м.и.д.`}, {`«Северный поток»`, `газопровод «Северный поток – 2»`, `Северный поток`}, {`ООН`, `в ООН`, `ООН`}, {`С-400`, `комплекс С-400, С400`, `С-400|С400`},
			{`киев OR Київ`, `у Києві, Київ`, `Київ`}, {`йод`, `иод`, ``}, {`Горбачёв*`, `Горбачева`, `Горбачева`}, {`кндр ONEAR/3 ракет*`, `КНДР запустила две ракеты`, `КНДР|ракеты`},
			{`SENTENCE (ким путин)`, `Ким приехал. Путин ждал.`, ``}, {`SENTENCE (ким путин)`, `По словам г. Путина, ким и Путин встретились.`, `ким|Путин`}, {`/ракет(а|ы|у)/`, `Ракеты, ракетой`, `Ракеты`},
		},
		"Korean": {
			{`북한`, `북한은 발사했다`, `북한은`}, {`북한`, `북한에서는`, `북한에서는`}, {`북한`, `북한이 북한을 북한의 북한`, `북한이|북한을|북한의|북한`},
			{`북한`, `북한군`, ``}, {`북한*`, `북한군`, `북한군`}, {`"북한 미사일"`, `북한의 미사일을`, `북한의 미사일을`}, {`미사일`, `미사일로`, `미사일로`},
			{`핵`, `핵을 포기`, `핵을`}, {`가`, `가을 하늘`, ``}, {`회`, `회의에서`, ``}, {`회의`, `회의에서`, `회의에서`}, {`ICBM`, `ICBM을 쐈다`, `ICBM`},
			{`러시아`, `러시아로부터`, `러시아로부터`}, {`군인`, `군인들이`, `군인들이`}, {`북한은`, `북한의`, ``}, {`2024년`, `2024년 6월`, `2024년`},
			{`러시아 -축구`, `러시아와 축구를`, ``}, {`핵*`, `핵무기`, `핵무기`}, {`평양`, `평양으로`, `평양으로`}, {`=북한`, `북한은`, ``},
			{`북한`, `북한하고 북한이라도`, `북한하고|북한이라도`}, {`나라`, `나라마다 나라라도`, `나라마다|나라라도`}, {`전`, `전라도`, ``},
			{`김정은`, `김정은과 푸틴이`, `김정은과`}, {`푸틴`, `푸틴이 김정은을`, `푸틴이`}, {`"김정은 위원장"`, `김정은 위원장은`, `김정은 위원장은`}, {`국방부`, `국방부가 밝혔다`, `국방부가`}, {`서울`, `서울에서까지`, `서울에서까지`}, {`러시아 NEAR/2 무기`, `러시아에 무기를`, `러시아에|무기를`},
			{`한미*`, `한미연합훈련이`, `한미연합훈련이`}, {`한미`, `한미연합훈련`, ``}, {`탄도미사일`, `탄도 미사일`, ``}, {`=북한`, `북한 북한은`, `북한`}, {`/(단거리|중거리)탄도.*/`, `단거리탄도미사일을`, `단거리탄도미사일을`},
		},
		"Arabic": {
			{`صاروخ`, `الصاروخ`, `الصاروخ`}, {`صاروخ`, `والصاروخ`, `والصاروخ`}, {`صاروخ`, `بالصاروخ للصاروخ بصاروخ`, `بالصاروخ|للصاروخ|بصاروخ`},
			{`صاروخ`, `صَارُوخ`, `صَارُوخ`}, {`صاروخ`, `صـــاروخ`, `صـــاروخ`}, {`أسلحة`, `اسلحه`, `اسلحه`}, {`اسلحة`, `الأسلحة`, `الأسلحة`},
			{`إيران`, `ايران`, `ايران`}, {`الصاروخ`, `وبالصاروخ`, `وبالصاروخ`}, {`الصاروخ`, `صاروخ`, ``}, {`"كوريا الشمالية"`, `في كوريا الشمالية`, `كوريا الشمالية`},
			{`كوريا`, `وكوريا`, `وكوريا`}, {`صواريخ`, `صواريخها`, `صواريخها`}, {`٢٠٢٤`, `2024`, `2024`}, {`صواريخ*`, `والصواريخ`, `والصواريخ`}, {`سلاح`, `سلام`, ``},
			{`روسيا NEAR/2 سلاح`, `روسيا ترسل السلاح`, `روسيا|السلاح`},
			{`~صاروخ`, `صاروخين`, `صاروخين`}, {`"مجلس الأمن"`, `في مجلس الامن`, `مجلس الامن`}, {`مجلس`, `بمجلس ومجلس`, `بمجلس|ومجلس`}, {`روسيا`, `لروسيا`, `لروسيا`}, {`القاعدة`, `تنظيم القاعده`, `القاعده`},
			{`على`, `علي`, `علي`}, {`مستشفى`, `المستشفي`, `المستشفي`}, {`ايران`, `إيرانُ`, `إيرانُ`}, {`عقوبات`, `العقوبات، وعقوبات؛ بعقوبات`, `العقوبات|وعقوبات|بعقوبات`}, {`عقوبات NOT كرة`, `عقوبات على كرة`, ``},
			{`SENTENCE (روسيا سلاح)`, `روسيا؟ سلاح.`, ``}, {`/صوار.*/`, `صواريخ`, `صواريخ`}, {`"كيم جونغ أون"`, `كيم جونغ اون`, `كيم جونغ اون`},
		},
		"German": {
			{`straße`, `Strasse`, `Strasse`}, {`strasse`, `STRAẞE Straße`, `STRAẞE|Straße`}, {`rüstung*`, `Rüstungsexporte`, `Rüstungsexporte`}, {`rustung`, `Rüstung`, `Rüstung`},
			{`"Kim Jong-un"`, `Kim Jong Un`, `Kim Jong Un`}, {`"Kim Jong Un"`, `Kim Jong-un`, `Kim Jong-un`}, {`z.B.`, `z.B. hier`, `z.B.`}, {`EU-Sanktionen`, `die EU Sanktionen`, `EU Sanktionen`},
			{`Sanktionen`, `EU-Sanktionen`, `Sanktionen`}, {`nordkorea*`, `Nordkoreas Armee`, `Nordkoreas`}, {`=Weg`, `weg, Weg`, `Weg`}, {`Rakete`, `Raketen`, ``}, {`Müller`, `Mueller`, ``},
			{`„Nord Korea“`, `Nord Korea`, `Nord Korea`}, {`Waffen NICHT`, `Waffen nicht`, `Waffen|nicht`}, {`gross`, `Größe und groß`, `groß`},
			{`~Waffe`, `Waffen`, `Waffen`}, {`~Haus`, `die Häuser`, `Häuser`}, {`Fussball`, `Fußball FUSSBALL`, `Fußball|FUSSBALL`}, {`Rüstungs*`, `RÜSTUNGSINDUSTRIE`, `RÜSTUNGSINDUSTRIE`}, {`"Straße 5"`, `Strasse 5`, `Strasse 5`},
			{`USA`, `U.S.A. und USA-Reise`, `U.S.A.|USA`}, {`Nord-Süd`, `Nordsüd und Nord Süd`, `Nordsüd|Nord Süd`}, {`»Nordkorea«`, `in Nordkorea`, `Nordkorea`}, {`Panzer NEAR/2 Ukraine`, `Panzer für die Ukraine`, `Panzer|Ukraine`},
			{`SENTENCE (panzer ukraine)`, `Am 3. Mai kamen Panzer in die Ukraine.`, `Panzer|Ukraine`}, {`SENTENCE (panzer ukraine)`, `Die Panzer kamen. Die Ukraine dankte.`, ``}, {`=Arm`, `arm am Arm`, `Arm`}, {`1.000`, `1.000 Soldaten`, `1.000`}, {`Kim*`, `Kims Reise`, `Kims`},
		},
		"Chinese": {
			{`朝鲜`, `朝鲜发射导弹`, `朝鲜`}, {`导弹`, `朝鲜发射导弹。`, `导弹`}, {`朝鲜`, `朝,鲜`, ``}, {`朝鲜`, `今朝 鲜花`, ``}, {`朝鲜`, "朝\n鲜发射", "朝\n鲜"}, {`"朝鲜 导弹"`, `朝鲜导弹`, `朝鲜导弹`},
			{`"朝鲜导弹"`, `朝鲜的导弹`, ``}, {`朝鲜 导弹`, `朝鲜的导弹`, `朝鲜|导弹`}, {`朝鲜 NEAR/2 导弹`, `朝鲜发射导弹`, `朝鲜|导弹`}, {`朝鲜 NEAR/1 导弹`, `朝鲜发射导弹`, ``},
			{`朝鲜*`, `朝鲜人`, `朝鲜`}, {`朝鮮`, `朝鲜`, ``}, {`核`, `无核化`, `核`}, {`２０２４`, `2024年`, `2024`}, {`歼-20`, `歼20`, `歼20`}, {`朝鲜 -足球`, `朝鲜足球`, ``}, {`=朝鲜`, `在朝鲜`, `朝鲜`},
			{`(朝鲜 OR 韩国) AND 俄罗斯`, `韩国和俄罗斯`, `韩国|俄罗斯`},
			{`习近平`, `国家主席习近平同金正恩会谈`, `习近平`}, {`"习近平 金正恩"~3`, `金正恩与习近平会谈`, `金正恩|习近平`}, {`俄罗斯 ONEAR/6 武器`, `俄罗斯向朝鲜提供武器`, `俄罗斯|武器`}, {`SENTENCE (朝鲜 导弹)`, `朝鲜抗议。导弹发射。`, ``},
			{`SENTENCE (朝鲜 导弹)`, `朝鲜发射导弹。`, `朝鲜|导弹`}, {`ATLEAST/2 制裁`, `制裁后再制裁`, `制裁|制裁`}, {`FIRST/4 导弹`, `朝鲜导弹`, `导弹`}, {`FIRST/3 导弹`, `朝鲜导弹`, ``},
			{`ＮＡＴＯ`, `NATO峰会`, `NATO`}, {`"NATO 峰会"`, `NATO峰会`, `NATO峰会`}, {`5G`, `华为５Ｇ网络`, `５Ｇ`}, {`"北京，上海"`, `北京、上海`, `北京、上海`},
		},
		"Japanese": {
			{`北朝鮮`, `北朝鮮がミサイルを`, `北朝鮮`}, {`ミサイル`, `北朝鮮がミサイルを`, `ミサイル`}, {`ﾐｻｲﾙ`, `ミサイル発射`, `ミサイル`}, {`ミサイル`, `ﾐｻｲﾙ発射`, `ﾐｻｲﾙ`}, {`が`, `か`, ``}, {`はは`, `ぱぱ`, ``},
			{`プーチン`, `ウラジーミル・プーチン`, `プーチン`}, {`金正恩`, `金・正恩`, ``}, {`"金 正恩"`, `金・正恩`, `金・正恩`}, {`F-16`, `Ｆ－１６戦闘機`, `Ｆ－１６`}, {`F16`, `Ｆ－１６戦闘機`, `Ｆ－１６`}, {`戦闘機`, `F16戦闘機`, `戦闘機`},
			{`パーク`, `ﾊﾟｰｸ`, `ﾊﾟｰｸ`}, {`日本 NOT 韓国`, `日本と韓国`, ``}, {`ロシア`, `ロシアへ`, `ロシア`}, {`2024年`, `２０２４年に`, `２０２４年`}, {`北朝鮮 ONEAR/3 発射`, `北朝鮮が発射`, `北朝鮮|発射`},
			{`ウクライナ`, `ウクライナへの`, `ウクライナ`}, {`東京 OR 大阪`, `東京都`, `東京`}, {`京都`, `東京都`, `京都`}, {`インド`, `インドネシア`, `インド`}, {`"インド 政府"`, `インド政府は`, `インド政府`}, {`弾道ミサイル`, `弾道ﾐｻｲﾙを発射`, `弾道ﾐｻｲﾙ`},
			{`カ`, `ガ`, ``}, {`ガス`, `ｶﾞｽ田`, `ｶﾞｽ`}, {`SENTENCE (北朝鮮 発射)`, `北朝鮮が抗議した。日本が発射した。`, ``}, {`ATLEAST/2 核`, `核兵器と核実験`, `核|核`}, {`"キム ジョンウン"`, `キム・ジョンウン`, `キム・ジョンウン`},
			{`/[北南]/`, `北と南`, `北|南`}, {`１０００人`, `1000人が`, `1000人`}, {`Ｊアラート`, `Jアラートが`, `Jアラート`},
		},
		"Greek": {
			{`Αθήνα`, `ΑΘΗΝΑ`, `ΑΘΗΝΑ`}, {`αθηνα`, `Αθήνα`, `Αθήνα`}, {`πουτιν`, `Πούτιν`, `Πούτιν`}, {`ΠΟΥΤΙΝ`, `Πούτιν`, `Πούτιν`}, {`πόλεμος`, `ΠΟΛΕΜΟΣ`, `ΠΟΛΕΜΟΣ`}, {`πολεμοσ`, `πόλεμος`, `πόλεμος`},
			{`πύραυλ*`, `Οι πύραυλοι`, `πύραυλοι`}, {`"Βόρεια Κορέα"`, `η Βόρεια Κορέα`, `Βόρεια Κορέα`}, {`Κορέα`, `Κορέας`, ``}, {`=Αθήνα`, `αθηνα`, ``}, {`ρωσία NEAR όπλα`, `όπλα για τη Ρωσία`, `όπλα|Ρωσία`},
			{`προϊόν`, `προιον`, `προιον`}, {`η.π.α.`, `ΗΠΑ`, `ΗΠΑ`}, {`όπλα -ποδόσφαιρο`, `όπλα και ποδόσφαιρο`, ``},
			{`Ελλάδα`, `ΕΛΛΆΔΑ και ΕΛΛΑΔΑ`, `ΕΛΛΆΔΑ|ΕΛΛΑΔΑ`}, {`ΝΑΤΟ`, `Το ΝΑΤΟ και Ν.Α.Τ.Ο.`, `ΝΑΤΟ|Ν.Α.Τ.Ο.`}, {`"Κιμ Γιονγκ Ουν"`, `ο Κιμ Γιονγκ-Ουν`, `Κιμ Γιονγκ-Ουν`}, {`«Βόρεια Κορέα»`, `στη Βόρεια Κορέα`, `Βόρεια Κορέα`}, {`κυρώσ*`, `Οι ΚΥΡΩΣΕΙΣ`, `ΚΥΡΩΣΕΙΣ`},
			{`Μητσοτάκης`, `ΜΗΤΣΟΤΑΚΗΣ`, `ΜΗΤΣΟΤΑΚΗΣ`}, {`μαΐου`, `Μαιου`, `Μαιου`}, {`όπλο`, `όπλα`, ``}, {`οπλ?`, `όπλα και όπλο`, `όπλα|όπλο`}, {`~missile`, `ο missiles`, `missiles`}, {`/όπλ(α|ων)/`, `των όπλων`, `όπλων`},
			{`SENTENCE (ρωσία όπλα)`, `Η Ρωσία. Τα όπλα.`, ``}, {`ρωσία ONEAR/3 όπλα`, `η Ρωσία στέλνει όπλα`, `Ρωσία|όπλα`}, {`=ΗΠΑ`, `ηπα ΗΠΑ`, `ΗΠΑ`}, {`Ε.Ε.`, `της ΕΕ`, `ΕΕ`}, {`Σίσυφος`, `ΣΙΣΥΦΟΣ`, `ΣΙΣΥΦΟΣ`},
		},
		"Turkish": {
			{`istanbul`, `İstanbul`, `İstanbul`}, {`İSTANBUL`, `istanbul`, `istanbul`}, {`ışık`, `IŞIK`, `IŞIK`}, {`isik`, `ışık`, `ışık`}, {`Isparta`, `ısparta`, `ısparta`}, {`erdogan`, `Erdoğan`, `Erdoğan`}, {`Erdoğan`, `ERDOGAN'ın`, `ERDOGAN`},
			{`türkiye*`, `Türkiye'nin`, `Türkiye'nin`}, {`füze`, `Füze`, `Füze`}, {`fuze*`, `füzeler`, `füzeler`}, {`"Kuzey Kore"`, `Kuzey Kore'den`, `Kuzey Kore`}, {`silah NOT futbol`, `silah ve futbol`, ``}, {`=Irak`, `ırak Irak`, `Irak`},
			{`TBMM`, `T.B.M.M.`, `T.B.M.M.`},
			{`Diyarbakır`, `DİYARBAKIR Diyarbakir`, `DİYARBAKIR|Diyarbakir`}, {`İzmir`, `IZMIR izmir İzmir'de`, `IZMIR|izmir|İzmir`}, {`sınır`, `SINIR sinir`, `SINIR|sinir`}, {`=sınır`, `sınır sinir`, `sınır`}, {`=İran`, `İran Iran`, `İran`}, {`İran*`, `İran'ın İranlı`, `İran'ın|İranlı`},
			{`~füze`, `füzeler ve füzelerin`, `füzeler|füzelerin`}, {`Çavuşoğlu`, `Cavusoglu ÇAVUŞOĞLU`, `Cavusoglu|ÇAVUŞOĞLU`}, {`Kürt`, `Kurt`, `Kurt`}, {`"Türk Silahlı Kuvvetleri"`, `TÜRK SİLAHLI KUVVETLERİ`, `TÜRK SİLAHLI KUVVETLERİ`}, {`S-400`, `S-400'ler ve S400`, `S-400|S400`},
			{`Rusya NEAR/2 silah`, `Rusya'dan silah`, `Rusya|silah`}, {`Rusya NEAR/0 silah`, `Rusya'dan silah`, `Rusya|silah`}, {`AB'nin`, `AB’nin`, `AB’nin`}, {`/silah(lar)?/`, `SİLAHLAR`, `SİLAHLAR`}, {`SENTENCE (iran silah)`, `İran konuştu. Silah yok.`, ``},
		},
		"French": {
			{`accord`, `l'accord`, `accord`}, {`accord`, `L’accord`, `accord`}, {`"l'accord"`, `l’accord`, `l’accord`}, {`Élysée`, `l'Elysee`, `Elysee`}, {`dune`, `d'une`, ``}, {`une`, `d'une`, `une`}, {`quest`, `qu'est`, ``}, {`Iran`, `d'Iran`, `Iran`},
			{`aujourd'hui`, `aujourd’hui`, `aujourd’hui`}, {`coree`, `Corée`, `Corée`}, {`œuvre`, `oeuvre`, `oeuvre`}, {`"Corée du Nord"`, `la Corée du Nord`, `Corée du Nord`}, {`missil*`, `missiles`, `missiles`}, {`«arme nucléaire»`, `arme nucleaire`, `arme nucleaire`},
			{`arme* NEAR/2 russie`, `armes à la Russie`, `armes|Russie`}, {`armes -football`, `armes du football`, ``},
			{`~missile`, `les missiles`, `missiles`}, {`"l'Iran"`, `L'Iran, l’Iran`, `L'Iran|l’Iran`}, {`Iran`, `l'Iran, de l’Iran`, `Iran|Iran`}, {`"accord d'Alger"`, `l'accord d’Alger`, `accord d’Alger`}, {`ONU`, `l'O.N.U. et l'ONU`, `O.N.U.|ONU`}, {`lonu`, `l'ONU`, ``}, {`"État islamique"`, `l'ETAT islamique`, `ETAT islamique`},
			{`ambassadeur*`, `l'ambassadeur`, `ambassadeur`}, {`Côte-d'Ivoire`, `cote d'ivoire`, `cote d'ivoire`}, {`"Côte d'Ivoire"`, `en Côte-d’Ivoire`, `Côte-d’Ivoire`}, {`Noël`, `NOEL`, `NOEL`}, {`cœur`, `COEUR cœur`, `COEUR|cœur`}, {`accord NEAR/0 paix`, `l'accord d'paix`, `accord|paix`}, {`=Élysée`, `Elysée et l'Élysée`, `Élysée`}, {`FIRST/2 accord`, `Voici l'accord`, `accord`}, {`SENTENCE (accord paix)`, `M. Macron signe l'accord de paix.`, `accord|paix`},
		},
		"Thai, Hebrew, Hindi": {
			{`ไทย`, `ประเทศไทย`, `ไทย`}, {`เกาหลีเหนือ`, `ประเทศเกาหลีเหนือยิง`, `เกาหลีเหนือ`}, {`ก`, `กี`, ``}, {`שלום`, `שָׁלוֹם`, `שָׁלוֹם`}, {`צהל`, `צה״ל`, `צה״ל`}, {`हिन्दी`, `हिन्दी में`, `हिन्दी`}, {`दन`, `दिन`, ``},
		},
	} {
		t.Run(lang, func(t *testing.T) {
			tag, known := tags[lang]
			if known && len(cases) < 30 || len(cases) < 7 {
				t.Errorf("%d cases are too few", len(cases))
			}
			for _, c := range cases {
				if got := marked(t, c.query, &Doc{Body: c.body, Lang: tag}); got != c.want {
					t.Errorf("%s in %q: %q, want %q", c.query, c.body, got, c.want)
				}
			}
		})
	}
}

func TestFields(t *testing.T) {
	d := &Doc{Title: "Arms for Russia", Body: "SEOUL — Kim spoke.\n\nLater he left Pyongyang.", Lang: "en-GB", Site: "www.news.bbc.co.uk",
		URL: "https://www.news.bbc.co.uk/world/asia-1", Feed: "BBC World", Agency: "Yonhap", Authors: []string{"Ann Lee", "Bob Kim"},
		Tags: []string{"Sanctions", "Arms trade"}}
	for _, c := range []struct{ query, want string }{
		{`title:arms`, "Arms"}, {`body:arms`, ""}, {`arms`, "Arms"}, {`lead:kim`, "Kim"}, {`lead:pyongyang`, ""}, {`body:pyongyang`, "Pyongyang"},
		{`author:"bob kim"`, "Bob Kim"}, {`author:"lee bob"`, ""}, {`author:kim`, "Kim"}, {`lee`, ""}, {`agency:yonhap`, "Yonhap"},
		{`site:bbc.co.uk`, "www.news.bbc.co.uk"}, {`site:c.co.uk`, ""}, {`site:news.bbc.co.uk`, "www.news.bbc.co.uk"}, {`site:uk`, "www.news.bbc.co.uk"},
		{`site:*.bbc.co.uk`, "www.news.bbc.co.uk"}, {`site:(cnn.com OR bbc.co.uk) arms`, "Arms|www.news.bbc.co.uk"}, {`arms -site:bbc.co.uk`, ""},
		{`url:/world/`, d.URL}, {`url:/sport/`, ""}, {`url:world*1`, d.URL}, {`lang:en`, "en-GB"}, {`lang:en-gb`, "en-GB"}, {`lang:e`, ""},
		{`feed:"bbc world"`, "BBC World"}, {`feed:bbc`, ""}, {`feed:bbc*`, "BBC World"}, {`tag:sanctions`, "Sanctions"}, {`tag:"arms trade"`, "Arms trade"}, {`tag:arms`, ""},
		{`title:(arms NEAR/1 russia)`, "Arms|Russia"}, {`"russia seoul"`, ""}, {`russia NEAR/9 seoul`, ""}, {`title:(arms AND NOT kim)`, "Arms"}, {`title:arms AND NOT kim`, ""},
		{`arms AND (football OR NOT tennis)`, "Arms"},
	} {
		if got := marked(t, c.query, d); got != c.want {
			t.Errorf("%s: %q, want %q", c.query, got, c.want)
		}
	}
}
