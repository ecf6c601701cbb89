package rules

import "testing"

// What the language promises, sentence by sentence, each with what holds and what does not. The tables of scripts, operators and errors
// go further; this one is to be read beside the promise.
func TestDialect(t *testing.T) {
	page := &Doc{Title: "Top", Body: "Bottom", Site: "news.bbc.co.uk", URL: "https://news.bbc.co.uk/world/1", Lang: "pt-BR", Feed: "bbc asia", Agency: "Associated Press",
		Authors: []string{"Ada Linden"}, Tags: []string{"north korea", "arms"}}
	body := func(s string) *Doc { return &Doc{Body: s} }
	type c struct {
		query string
		doc   *Doc
		holds bool
	}
	for _, s := range []struct {
		says  string
		cases []c
	}{
		{"juxtaposition is AND; `a AND NOT b`, `a NOT b`, `a -b` are one thing", []c{
			{"kim putin", body("Putin met Kim"), true}, {"kim putin", body("Kim"), false}, {"kim AND NOT putin", body("Kim"), true}, {"kim AND NOT putin", body("Kim, Putin"), false},
			{"kim NOT putin", body("Kim"), true}, {"kim NOT putin", body("Kim, Putin"), false}, {"kim -putin", body("Kim"), true}, {"kim -putin", body("Kim, Putin"), false}}},
		{"precedence: NEAR, NOT, AND, OR", []c{
			{"kim OR putin AND xi", body("Kim"), true}, {"kim OR putin AND xi", body("Putin"), false}, {"NOT xi kim NEAR/1 putin", body("Kim Putin"), true},
			{"kim AND NOT xi NEAR/1 putin", body("Kim, Xi; later on came Putin"), true}, {"kim AND NOT xi NEAR/1 putin", body("Kim, Xi, Putin"), false}}},
		{"operators are upper case; a lower-case and is a word", []c{{"kim and putin", body("Kim Putin"), false}, {"kim and putin", body("Kim and Putin"), true}}},
		{"/…/ with an optional i matches one folded token", []c{{"/miss?iles?/i", body("Misile"), true}, {"/Miss?ile/", body("MISSILE"), true}, {"/misile/", body("misiles"), false}}},
		{"url, site, lang, feed, tag take a phrase or text up to white space; site covers its subdomains", []c{
			{"site:bbc.co.uk", page, true}, {"site:bc.co.uk", page, false}, {"site:(cnn.com OR bbc.co.uk)", page, true}, {"url:/world/", page, true}, {"lang:pt", page, true}, {"lang:en", page, false},
			{`feed:"bbc asia"`, page, true}, {"feed:bbc*", page, true}, {`tag:"north korea"`, page, true}, {"tag:korea", page, false}, {"tag:arms", page, true}}},
		{"agency and author take words", []c{{`agency:"associated press"`, page, true}, {"agency:associated", page, true}, {"agency:reuters", page, false}, {"author:linden", page, true}, {"author:(ada AND linden)", page, true}}},
		{"- negates only at a word's start", []c{{"al kim-putin", body("Al, Kim Putin"), true}, {"al kim-putin", body("Al"), false}}},
		{"lead is the first paragraph; FIRST and sentences count the body only", []c{
			{"lead:kim", body("Kim.\n\nPutin."), true}, {"lead:putin", body("Kim.\n\nPutin."), false}, {"FIRST/2 kim", body("So Kim"), true}, {"FIRST/2 kim", body("And so Kim"), false},
			{"FIRST/1 bottom", page, true}, {"FIRST/9 top", page, false}, {"SENTENCE (top)", page, false}}},
		{"NEAR/n: at most n words between, either order (default 4); ONEAR/n: in order", []c{
			{"kim NEAR putin", body("Kim a b c d Putin"), true}, {"kim NEAR putin", body("Kim a b c d e Putin"), false}, {"kim NEAR/2 putin", body("Putin Kim"), true},
			{"kim ONEAR/2 putin", body("Putin Kim"), false}, {"kim ONEAR/2 putin", body("Kim a b Putin"), true}, {`"kim putin"~3`, body("Putin a b c Kim"), true}, {`"kim putin"~2`, body("Putin a b c Kim"), false}}},
		{"operands are terms, phrases and OR-lists of those, wildcards included; a token never matches itself", []c{
			{`(kim OR xi) NEAR/3 (miss* OR "nuclear bomb")`, body("Xi has a nuclear bomb"), true}, {"kim NEAR kim", body("Kim"), false}, {"kim NEAR kim", body("Kim, Kim"), true}}},
		{"case, diacritics, width and typographic quotes fold; = is exact", []c{
			{"naive", body("Naïve"), true}, {"=naïve", body("naive"), false}, {"=naïve", body("naïve"), true}, {"ＫＩＭ", body("kim"), true}, {"“north korea”", body("North Korea"), true},
			{"don’t", body("don't"), true}, {"=NATO", body("nato"), false}, {"=NATO", body("NATO"), true}, {"istanbul", body("İSTANBUL"), true}}},
		{"apostrophes and hyphens are found the way a person types them", []c{
			{"K-9", body("the K9 unit"), true}, {"K9", body("the K-9 unit"), true}, {"alqaeda", body("al-Qaeda"), true}, {"al-Qaeda", body("alqaeda"), true}, {"al-Qaeda", body("al Qaeda"), true},
			{`"N. Korea"`, body("N.Korea"), true}, {"N.Korea", body("N. Korea"), true}, {"accord", body("l'accord"), true}}},
		{"scripts without spaces match by characters; Korean particles and Arabic clitics match the bare word; Cyrillic and Greek fold", []c{
			{"朝鮮", body("北朝鮮の"), true}, {"朝鮮", body("鮮朝"), false}, {"북한", body("북한은 말했다"), true}, {"صاروخ", body("والصاروخ"), true}, {"елка", body("Ёлка"), true}, {"πυραυλος", body("πύραυλος"), true}}},
		{"phrases and NEAR never cross from title to body", []c{{`"top bottom"`, page, false}, {"top NEAR/3 bottom", page, false}, {"top bottom", page, true}}},
		{"ATLEAST/3 counts; SENTENCE and PARAGRAPH bind their terms to one", []c{
			{"ATLEAST/3 missile*", body("missile, missiles"), false}, {"ATLEAST/3 missile*", body("missile, missiles, missile"), true}, {"SENTENCE (kim AND putin)", body("Kim came. Putin left."), false},
			{"SENTENCE (kim AND putin)", body("Kim came and Putin left."), true}, {"PARAGRAPH (kim putin)", body("Kim.\n\nPutin."), false}, {"PARAGRAPH (kim putin)", body("Kim. Putin."), true}}},
		{"a bare query looks at title and body", []c{{"top", page, true}, {"bottom", page, true}, {"linden", page, false}, {"title:bottom", page, false}}},
		{"* after at least two characters and ?; ~ is stemmed", []c{{"mis*", body("missile"), true}, {"wom?n", body("women"), true}, {"~missile", &Doc{Body: "missiles", Lang: "en"}, true}, {"missile", body("missiles"), false}}},
	} {
		for _, x := range s.cases {
			set, err := Compile([]Rule{{Name: "r", Query: x.query}})
			if err != nil {
				t.Errorf("%s: %s: %v", s.says, x.query, err)
				continue
			}
			hits := set.Match(x.doc)
			if (len(hits) > 0) != x.holds {
				t.Errorf("%s: %s on %q: %v", s.says, x.query, x.doc.Title+" "+x.doc.Body, !x.holds)
			}
			for _, h := range hits { // every match yields spans, good enough to highlight
				for _, p := range h.Spans {
					if f := x.doc.Field(p.Field); p.Start < 0 || p.Start >= p.End || p.End > len(f) {
						t.Errorf("%s: span %v of %q", x.query, p, f)
					}
				}
				if len(h.Spans) == 0 {
					t.Errorf("%s: a match without spans", x.query)
				}
			}
		}
	}
}
