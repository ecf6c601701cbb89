package configs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"wirewatch/pipeline"

	"go.yaml.in/yaml/v3"
)

// AddFeeds appends feeds to the configuration file at path. The text is edited, not written anew, so that comments,
// order and layout stay as their author left them. The result is read again and compared before it takes the old file's
// place in one step; on any error the file is untouched. Only name, url, kind, every and cron are written; a feed with
// more than that is refused, for secrets belong into the environment or a file.
func AddFeeds(path string, feeds []Feed) error {
	if len(feeds) == 0 {
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("add feeds to %s: %w", path, err)
	}
	old, err := readFile(real)
	if err != nil {
		return fmt.Errorf("add feeds to %s: %w", path, err)
	}
	text, err := withFeeds(path, old, feeds)
	if err != nil {
		return fmt.Errorf("add feeds to %s: %w", path, err)
	}
	if err := replace(real, text); err != nil {
		return fmt.Errorf("add feeds to %s: %w", path, err)
	}
	return nil
}

// replace puts data in the place of the file at path in one step, with its permissions.
func replace(path string, data []byte) (err error) {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err = f.Chmod(st.Mode().Perm()); err != nil {
		return err
	}
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

var errByHand = errors.New("the feeds are written in a form that cannot be edited safely; add them by hand")

// withFeeds returns old with feeds appended, verified.
func withFeeds(path string, old []byte, feeds []Feed) ([]byte, error) {
	d := newDecoder(scope{file: path, plain: true}, old)
	root := d.document(old)
	if root == nil {
		return nil, d.err()
	}
	if root.Kind != yaml.MappingNode || root.Style&yaml.FlowStyle != 0 {
		return nil, errByHand
	}
	before, err := names(root)
	if err != nil {
		return nil, err
	}
	for _, f := range feeds {
		if err := CheckFeed(f); err != nil {
			return nil, err
		}
		if f.Name != "" {
			if slices.Contains(before, f.Name) {
				return nil, fmt.Errorf("a feed is named `%s` already", f.Name)
			}
			before = append(before, f.Name)
		}
	}
	text, err := insert(string(old), root, feeds)
	if err != nil {
		return nil, err
	}
	if err := verify(path, root, text, feeds); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

// CheckFeed says whether AddFeeds can write f, its name aside.
func CheckFeed(f Feed) error {
	if f.Headers != nil || f.Cookies != nil || f.BasicAuth != nil || !f.Proxy.IsZero() {
		return fmt.Errorf("the feed %s has headers, cookies, a password or a proxy; write it by hand, with ${VAR} for what is secret", f.URL)
	}
	if msg, hint := checkURL(f.URL); msg != "" {
		return fmt.Errorf("%s; %s", msg, hint)
	}
	if f.Cron != "" {
		if msg, hint := checkCron(f.Cron); msg != "" {
			return fmt.Errorf("%s; %s", msg, hint)
		}
	}
	if f.Every != 0 && f.Cron != "" || f.Every < 0 || f.Every > 0 && f.Every < time.Second {
		return fmt.Errorf("the feed %s wants either cron or an interval of a second or more", f.URL)
	}
	return nil
}

// names lists the explicit names of the feeds under root.
func names(root *yaml.Node) ([]string, error) {
	_, v := child(root, "feeds")
	if v == nil || isNull(v) {
		return nil, nil
	}
	if v.Kind != yaml.SequenceNode {
		return nil, errByHand
	}
	var out []string
	for _, f := range v.Content {
		if f.Kind == yaml.MappingNode {
			if _, n := child(f, "name"); n != nil && n.Value != "" {
				out = append(out, n.Value)
			}
		}
	}
	return out, nil
}

func child(n *yaml.Node, key string) (k, v *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// insert puts the feeds into the text where the sequence under root ends.
func insert(text string, root *yaml.Node, feeds []Feed) (string, error) {
	eol := "\n"
	if strings.Contains(text, "\r\n") {
		eol = "\r\n"
	}
	lines := strings.SplitAfter(text, "\n")
	key, seq := child(root, "feeds")
	if key == nil {
		i := end(lines, len(lines), -1)
		return join(lines[:i], eol) + sep(lines[:i], eol) + "feeds:" + eol + block(feeds, 2, eol) + strings.Join(lines[i:], ""), nil
	}
	if seq.Kind == yaml.ScalarNode || len(seq.Content) == 0 { // feeds:   feeds: ~   feeds: []
		i := key.Line - 1
		line := lines[i]
		if seq.Value != "" || seq.Kind == yaml.SequenceNode {
			at, ok := offset(line, seq.Column)
			word := seq.Value
			if seq.Kind == yaml.SequenceNode {
				if m := regexp.MustCompile(`^\[\s*\]`).FindString(line[min(at, len(line)):]); ok && m != "" {
					word = m
				} else {
					return "", errByHand
				}
			}
			if !ok || seq.Line != key.Line || !strings.HasPrefix(line[at:], word) {
				return "", errByHand
			}
			before, after := strings.TrimRight(line[:at], " \t"), line[at+len(word):]
			if strings.TrimSpace(after) == "" {
				after = eol
			}
			line = before + after
		}
		return strings.Join(lines[:i], "") + join([]string{line}, eol) + block(feeds, key.Column+1, eol) + strings.Join(lines[i+1:], ""), nil
	}
	if seq.Style&yaml.FlowStyle != 0 {
		return insertFlow(lines, seq, feeds)
	}
	next := len(lines)
	for i := 0; i+1 < len(root.Content); i += 2 {
		if k := root.Content[i]; k.Line > key.Line {
			next = min(next, k.Line-1)
		}
	}
	dash := seq.Column - 1
	i := end(lines, next, dash)
	last := seq.Content[len(seq.Content)-1]
	add := block(feeds, dash, eol)
	if last.Kind == yaml.MappingNode && last.Style&yaml.FlowStyle != 0 {
		add = ""
		for _, f := range feeds {
			add += strings.Repeat(" ", dash) + "- " + flow(f) + eol
		}
	}
	return join(lines[:i], eol) + add + strings.Join(lines[i:], ""), nil
}

// end steps back from the line next over blank lines, document ends and comments that are further left than the
// sequence's entries: those head what follows. With a negative indent comments stay.
func end(lines []string, next, indent int) int {
	for next > 0 {
		l := lines[next-1]
		t := strings.TrimSpace(l)
		comment := indent >= 0 && strings.HasPrefix(t, "#") && len(l)-len(strings.TrimLeft(l, " ")) < max(indent, 1) && next < len(lines)
		if t != "" && t != "..." && !comment {
			break
		}
		next--
	}
	return next
}

// join puts lines together, the last one with its line end.
func join(lines []string, eol string) string {
	s := strings.Join(lines, "")
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += eol
	}
	return s
}

// sep is the blank line between what is there and a new key.
func sep(lines []string, eol string) string {
	if len(lines) == 0 {
		return ""
	}
	return eol
}

// offset turns a column, counted in characters from 1, into a byte offset.
func offset(line string, col int) (int, bool) {
	at := 0
	for ; col > 1; col-- {
		_, n := utf8.DecodeRuneInString(line[at:])
		if n == 0 {
			return 0, false
		}
		at += n
	}
	return at, at <= len(line)
}

// insertFlow puts the feeds before the bracket that closes the sequence.
func insertFlow(lines []string, seq *yaml.Node, feeds []Feed) (string, error) {
	at, ok := offset(lines[seq.Line-1], seq.Column)
	if !ok {
		return "", errByHand
	}
	text := strings.Join(lines, "")
	at += len(strings.Join(lines[:seq.Line-1], ""))
	depth, quote, significant := 0, byte(0), at
	for i := at; i < len(text); i++ {
		c := text[i]
		if quote != 0 {
			switch {
			case c == '\\' && quote == '"':
				i++
			case c == quote && quote == '\'' && i+1 < len(text) && text[i+1] == '\'':
				i++
			case c == quote:
				quote = 0
			}
			significant = i
			continue
		}
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '#':
			if i > 0 && strings.ContainsRune(" \t\n", rune(text[i-1])) {
				n := strings.IndexByte(text[i:], '\n')
				if n < 0 {
					return "", errByHand
				}
				i += n
				continue
			}
		case '"', '\'':
			// Inside a plain scalar a quote is a letter; one that opens follows punctuation.
			if strings.IndexByte("[{,:", text[significant]) >= 0 {
				quote = c
			}
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				var add []string
				for _, f := range feeds {
					add = append(add, flow(f))
				}
				glue := ", "
				if text[significant] == ',' {
					glue = " "
				}
				return text[:significant+1] + glue + strings.Join(add, ", ") + text[significant+1:], nil
			}
		}
		significant = i
	}
	return "", errByHand
}

// entries are a feed's keys and values as YAML.
func entries(f Feed) [][2]string {
	var out [][2]string
	add := func(k, v string) {
		if v != "" {
			out = append(out, [2]string{k, quoted(v)})
		}
	}
	add("name", f.Name)
	add("url", f.URL)
	if f.Kind != "rss" { // the default
		add("kind", f.Kind)
	}
	if f.Every != 0 {
		out = append(out, [2]string{"every", pipeline.ShortDuration(f.Every)})
	}
	add("cron", f.Cron)
	return out
}

func block(feeds []Feed, indent int, eol string) string {
	var b strings.Builder
	for _, f := range feeds {
		lead := "- "
		for _, e := range entries(f) {
			b.WriteString(strings.Repeat(" ", indent) + lead + e[0] + ": " + e[1] + eol)
			lead = "  "
		}
	}
	return b.String()
}

func flow(f Feed) string {
	var s []string
	for _, e := range entries(f) {
		if strings.ContainsAny(e[1], ":?") && !strings.HasPrefix(e[1], `"`) { // letters of a plain scalar in a block only
			e[1] = `"` + e[1] + `"`
		}
		s = append(s, e[0]+": "+e[1])
	}
	return "{" + strings.Join(s, ", ") + "}"
}

// A plain scalar that is text in every YAML: letters first, and nothing in it that could mean something.
var plainScalar = regexp.MustCompile(`^[\p{L}][\p{L}\p{N}._/?&=%+~:-]*(?: [\p{L}\p{N}._/-]+)*$`)

// quoted writes s as a scalar on one line, for block and flow context alike. A ${ in it is meant as it stands: what is
// imported must not read the environment.
func quoted(s string) string {
	s = strings.ReplaceAll(s, "${", "$${")
	if plainScalar.MatchString(s) && !strings.HasSuffix(s, ":") {
		var back yaml.Node
		if yaml.Unmarshal([]byte(s), &back) == nil && len(back.Content) == 1 && back.Content[0].ShortTag() == "!!str" && back.Content[0].Value == s &&
			!slices.Contains([]string{"y", "n", "yes", "no", "on", "off"}, strings.ToLower(s)) {
			return s
		}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // a string always encodes
		return "\"\""
	}
	return strings.TrimSpace(b.String())
}

// verify reads text again: the old tree must be in it unchanged, with the new feeds behind the old ones.
func verify(path string, old *yaml.Node, text string, feeds []Feed) error {
	d := newDecoder(scope{file: path, plain: true}, []byte(text))
	root := d.document([]byte(text))
	if root == nil {
		return fmt.Errorf("%w (the result would not be YAML)", errByHand)
	}
	_, was := child(old, "feeds")
	_, is := child(root, "feeds")
	n := 0
	if was != nil {
		n = len(was.Content)
	}
	if is == nil || is.Kind != yaml.SequenceNode || len(is.Content) != n+len(feeds) {
		return errByHand
	}
	for i, f := range feeds {
		want := map[string]string{}
		for _, e := range entries(f) {
			var s string
			if err := yaml.Unmarshal([]byte(e[1]), &s); err != nil {
				return errByHand
			}
			want[e[0]] = s
		}
		got := map[string]string{}
		for j := 0; j+1 < len(is.Content[n+i].Content); j += 2 {
			got[is.Content[n+i].Content[j].Value] = is.Content[n+i].Content[j+1].Value
		}
		if !reflect.DeepEqual(want, got) {
			return errByHand
		}
	}
	is.Content = is.Content[:n]
	if !same(without(old, n == 0), without(root, n == 0)) {
		return errByHand
	}
	return nil
}

// without is root, or root without its feeds when there were none: then their value was null, [] or absent.
func without(root *yaml.Node, drop bool) *yaml.Node {
	if !drop {
		return root
	}
	out := *root
	out.Content = nil
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "feeds" {
			out.Content = append(out.Content, root.Content[i], root.Content[i+1])
		}
	}
	return &out
}

// same compares two trees by what they say. Anchors are compared by name and are not followed.
func same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Value != b.Value || a.ShortTag() != b.ShortTag() || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if !same(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}
