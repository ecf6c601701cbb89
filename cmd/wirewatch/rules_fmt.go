package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"wirewatch/alerts/rules"
)

// wideQuery is how long a query may be on one line of a rule file.
const wideQuery = 100

func runRulesFmt(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	write := fs.Bool("w", false, "write the file anew in place of printing it, where something changes")
	query := fs.String("q", "", "a `query` in place of a file")
	config, names := configFlag(fs), listsFlag(fs)
	asJSON := fs.Bool("json", false, `JSON lines {"query","canonical"}, a line a query`)
	rest, err := v.parse(fs, args, 0, 1)
	if err != nil {
		return err
	}
	type row struct {
		Query     string `json:"query"`
		Canonical string `json:"canonical"`
	}
	if *query != "" {
		q, err := parseQuery(e, *config, *names, *query)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(e.stdout, []row{{*query, q.String()}})
		}
		_, err = fmt.Fprintln(e.stdout, strings.Join(q.Lines(wideQuery), "\n"))
		return err
	}
	if len(rest) == 0 {
		return usagef("rules fmt needs FILE or -q QUERY")
	}
	data, err := os.ReadFile(rest[0])
	if err != nil {
		return err
	}
	list, err := rulesOf(e, "", rest[0])
	if err != nil {
		return err
	}
	var lists rules.Lists // a file has one set of them
	if len(list) > 0 {
		lists = list[0].Lists
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("%s: %w", rest[0], err)
	}
	var rows []row
	changed := false
	for _, n := range queryNodes(&doc) {
		q, err := rules.ParseWith(n.Value, lists)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", rest[0], n.Line, err)
		}
		rows = append(rows, row{n.Value, q.String()})
		lines := q.Lines(wideQuery)
		text := strings.Join(lines, "\n")
		if strings.TrimSpace(n.Value) == text {
			continue
		}
		changed = true
		switch n.Value = text; {
		case len(lines) > 1:
			n.Style = yaml.LiteralStyle
		case n.Style == yaml.LiteralStyle || n.Style == yaml.FoldedStyle:
			n.Style = 0 // the encoder quotes it if it must
		}
	}
	if *asJSON {
		return printJSON(e.stdout, rows)
	}
	out := data
	if changed { // what is canonical already stays as it is, to the byte
		var b bytes.Buffer
		enc := yaml.NewEncoder(&b)
		enc.SetIndent(2)
		if err := enc.Encode(&doc); err != nil {
			return err
		}
		out = b.Bytes()
		var again yaml.Node
		err := yaml.Unmarshal(out, &again)
		now := queryNodes(&again)
		same := err == nil && len(now) == len(rows)
		for i := 0; same && i < len(now); i++ {
			q, err := rules.ParseWith(now[i].Value, lists)
			same = err == nil && q.String() == rows[i].Canonical
		}
		if !same {
			return fmt.Errorf("%s: cannot be written anew without loss; it is left as it is", rest[0])
		}
	}
	if !*write {
		_, err = e.stdout.Write(out)
		return err
	}
	if !changed {
		return nil
	}
	info, err := os.Stat(rest[0])
	if err != nil {
		return err
	}
	part := rest[0] + ".part" // a whole file or the old one, whatever happens meanwhile
	if err := os.WriteFile(part, out, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Rename(part, rest[0])
}

// queryNodes are the queries of the rules in a rule file.
func queryNodes(n *yaml.Node) (out []*yaml.Node) {
	switch n.Kind {
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, k := range n.Content {
			out = append(out, queryNodes(k)...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			switch k, x := n.Content[i].Value, n.Content[i+1]; {
			case k == "query" && x.Kind == yaml.ScalarNode:
				out = append(out, x)
			case k == "rules":
				out = append(out, queryNodes(x)...)
			}
		}
	}
	return out
}
