package main

import (
	"context"
	"encoding/json"
	"io"

	"wirewatch/alerts/rules"
	"wirewatch/configs"
)

// The forms of the files that people write, for their editors.

func runRulesSchema(ctx context.Context, e *env, v verb, args []string) error {
	if _, err := v.parse(v.flags(e), args, 0, 0); err != nil {
		return err
	}
	return printSchema(e.stdout, rules.Schema())
}

// configSchema is the schema of a configuration. Where a configuration holds rules, text of theirs may come from a file too.
func configSchema() map[string]any {
	defs := rules.Definitions()
	defs["rule"].(map[string]any)["patternProperties"] = map[string]any{"_file$": map[string]any{"type": "string"}}
	delete(defs["rule"].(map[string]any), "required") // query_file stands for query
	return configs.Schema(defs)
}

func printSchema(w io.Writer, schema map[string]any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(schema)
}
