package rules

// A schema is a part of a JSON Schema (draft 2020-12).
type schema = map[string]any

// SchemaDraft is the dialect of Schema.
const SchemaDraft = "https://json-schema.org/draft/2020-12/schema"

// Schema is the JSON Schema of rule files, made of the keys that the reader knows. What it cannot say (a query that is wrong, a name that
// is taken, a test that fails) the reader says.
func Schema() map[string]any {
	return schema{
		"$schema":     SchemaDraft,
		"title":       "Wirewatch rule file",
		"description": "A list of rules, or a mapping that holds one.",
		"anyOf": []any{
			schema{"type": "null"},
			schema{"$ref": "#/$defs/rules"},
			schema{"$ref": "#/$defs/file"},
		},
		"$defs": Definitions(),
	}
}

// Definitions are the parts of Schema by their names under $defs: rules, a list of them; rule; lists; and what these refer to.
func Definitions() map[string]any {
	file := object(fileKeys, "rules")
	props := file["properties"].(schema)
	for name, ref := range map[string]string{"rules": "rules", "lists": "lists", "defaults": "defaults"} {
		props[name].(schema)["anyOf"] = []any{schema{"type": "null"}, schema{"$ref": "#/$defs/" + ref}}
	}
	return schema{
		"file":     file,
		"rules":    schema{"type": "array", "items": schema{"$ref": "#/$defs/rule"}},
		"rule":     object(ruleKeys, "name", "query"),
		"defaults": object(sharedKeys()),
		"lists": schema{"type": "object",
			"additionalProperties": schema{"anyOf": []any{wordSchema(), schema{"type": "array", "items": wordSchema(), "minItems": 1}}},
			"propertyNames":        schema{"pattern": `^\$?\p{L}[\p{L}\p{Nd}_-]*$`}},
		"article": object(docKeys),
		"test":    testSchema(),
	}
}

// object is a mapping with those keys and no others.
func object[T any](keys []key[T], required ...string) schema {
	props := schema{}
	for _, k := range keys {
		p := schema{"description": k.doc}
		for name, x := range k.value.schema {
			p[name] = x
		}
		props[k.name] = p
	}
	s := schema{"type": "object", "properties": props, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// A number or a word such as yes is text to the reader, and nothing behind a key is the key left out.
func textSchema() schema { return schema{"type": []string{"string", "number", "boolean", "null"}} }

func wordSchema() schema { return schema{"type": []string{"string", "number", "boolean"}} }

func neededSchema() schema {
	return schema{"type": []string{"string", "number", "boolean"}, "pattern": `\S`}
}

func listSchema() schema {
	return schema{"anyOf": []any{textSchema(), schema{"type": "array", "items": wordSchema()}}}
}

func testsSchema() schema {
	return schema{"anyOf": []any{schema{"type": "null"}, schema{"$ref": "#/$defs/test"}, schema{"type": "array", "items": schema{"$ref": "#/$defs/test"}}}}
}

// testSchema is a test: match or not, with a text or an article behind it, and the keys of an article beside it.
func testSchema() schema {
	s := object(docKeys)
	said := func(doc string) schema {
		return schema{"description": doc, "anyOf": []any{wordSchema(), schema{"$ref": "#/$defs/article"}}}
	}
	s["properties"].(schema)["match"] = said("The rule must match this text, or this article.")
	s["properties"].(schema)["not"] = said("The rule must not match this text, or this article.")
	s["oneOf"] = []any{schema{"required": []string{"match"}}, schema{"required": []string{"not"}}}
	return s
}
