package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"strings"
)

// parseJSON reads a JSON Feed (versions 1 and 1.1). Its items are decoded one
// by one, so that a document that was cut gives those that were closed; the
// clean document goes to gofeed.
func parseJSON(doc, base string) (*Feed, error) {
	if err := jsonDepth(doc); err != nil {
		return nil, err
	}
	head, items, broken := splitJSON(doc)
	var version string
	_ = json.Unmarshal(head["version"], &version)
	_, listed := head["items"]
	if !strings.Contains(version, "jsonfeed.org") && !(listed && (head["title"] != nil || head["feed_url"] != nil || len(items) > 0)) {
		if e := head["error"]; e != nil {
			return nil, fmt.Errorf("%w: the server answered with the error %s", ErrNotFeed, cut(string(e), 120))
		}
		return nil, fmt.Errorf("%w: JSON, but neither a jsonfeed.org version nor items", ErrNotFeed)
	}
	if len(items) > MaxItems {
		return nil, fmt.Errorf("%w: more than %d entries; subscribe to a shorter form of this feed", ErrTooManyItems, MaxItems)
	}

	h := header{kind: "json"}
	for key, to := range map[string]*string{"language": &h.lang, "feed_url": &h.self, "title": &h.title, "next_url": &h.next} {
		*to = jsonText(head[key])
	}
	h.next = resolve(base, h.next)
	home := jsonText(head["home_page_url"])
	var hubs []struct{ URL string }
	if json.Unmarshal(head["hubs"], &hubs) == nil && len(hubs) > 0 {
		h.hub = hubs[0].URL
	}

	clean := struct {
		Version string           `json:"version"`
		Title   string           `json:"title"`
		Home    string           `json:"home_page_url"`
		Items   []map[string]any `json:"items"`
	}{"https://jsonfeed.org/version/1.1", h.title, resolve(base, home), []map[string]any{}}
	var notes []note
	for _, raw := range items {
		var it map[string]json.RawMessage
		if json.Unmarshal(raw, &it) != nil {
			continue // a number or a text among the items is no entry
		}
		c := note{
			title: jsonText(it["title"]), id: jsonText(it["id"]),
			published: jsonText(it["date_published"]), updated: jsonText(it["date_modified"]),
		}
		// url is the page; external_url the page it is about. An id is an
		// address where the specification's advice was followed.
		for _, key := range []string{"external_url", "url"} {
			if u := jsonText(it[key]); u != "" {
				c.links = append(c.links, link{href: resolve(base, u), rel: "alternate", typ: "text/html"})
			}
		}
		notes = append(notes, c)
		content := jsonText(it["content_html"])
		if content == "" {
			content = html.EscapeString(jsonText(it["content_text"]))
		}
		out := map[string]any{
			"id": c.id, "title": plain(c.title, no), "content_html": content,
			"summary": html.EscapeString(jsonText(it["summary"])), "url": c.url(),
			"date_published": c.published, "date_modified": c.updated,
			"tags": jsonTexts(it["tags"]), "authors": jsonAuthors(it, head),
		}
		clean.Items = append(clean.Items, out)
	}
	b, err := json.Marshal(clean)
	if err != nil {
		return nil, fmt.Errorf("parse feed: %w", err)
	}
	g, err := guard(string(b), gofeedParse)
	if err != nil {
		return nil, err
	}
	n := &normaliser{head: h, notes: notes}
	f := n.feed(g)
	if broken != nil {
		f.Partial = fmt.Errorf("the document is broken: %w; %d closed entries were kept, fetch it again for the rest", broken, len(notes))
	}
	return f, nil
}

// jsonDepth is the counterpart of the normaliser's limit.
func jsonDepth(doc string) error {
	depth, quoted := 0, false
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return fmt.Errorf("%w: more than %d levels at byte %d; the document is hostile or not a feed", ErrTooDeep, MaxDepth, i)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// splitJSON cuts the object into its members and its items, as far as they go.
func splitJSON(doc string) (head map[string]json.RawMessage, items []json.RawMessage, broken error) {
	head = map[string]json.RawMessage{}
	d := json.NewDecoder(strings.NewReader(doc))
	if _, err := d.Token(); err != nil {
		return head, nil, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return head, items, err
		}
		name, _ := key.(string)
		if name != "items" {
			var v json.RawMessage
			if err := d.Decode(&v); err != nil {
				return head, items, err
			}
			head[name] = v
			continue
		}
		open, err := d.Token()
		if err != nil {
			return head, items, err
		}
		if open != json.Delim('[') {
			if open == json.Delim('{') {
				return head, items, errors.New("items is an object and not a list")
			}
			continue // null or a text
		}
		head[name] = json.RawMessage("[]")
		for d.More() {
			var v json.RawMessage
			if err := d.Decode(&v); err != nil {
				return head, items, err
			}
			if items = append(items, v); len(items) > MaxItems {
				return head, items, nil
			}
		}
		if _, err := d.Token(); err != nil {
			return head, items, err
		}
	}
	_, err := d.Token()
	return head, items, err
}

// jsonText is the value as text: readers must take a number for an id.
func jsonText(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return strings.TrimSpace(clean(s))
	}
	if raw[0] == '{' || raw[0] == '[' {
		return ""
	}
	return string(raw)
}

func jsonTexts(raw json.RawMessage) []string {
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list)
	out := []string{}
	for _, r := range list {
		if s := jsonText(r); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// jsonAuthors answers the item's authors, else the feed's, in either version's form.
func jsonAuthors(item, head map[string]json.RawMessage) []map[string]string {
	type person struct{ Name, URL json.RawMessage }
	for _, m := range []map[string]json.RawMessage{item, head} {
		var list []person
		if json.Unmarshal(m["authors"], &list) != nil || len(list) == 0 {
			var one person
			if json.Unmarshal(m["author"], &one) != nil {
				continue
			}
			list = []person{one}
		}
		var out []map[string]string
		for _, p := range list {
			if name := first(jsonText(p.Name), jsonText(p.URL)); name != "" {
				out = append(out, map[string]string{"name": name})
			}
		}
		if out != nil {
			return out
		}
	}
	return nil
}

func cut(s string, n int) string {
	r := []rune(s)
	if len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
