package configs

import (
	"reflect"
)

// Schema is the JSON Schema (draft 2020-12) of a configuration, made of the same struct tags that the decoder reads by. defs are the
// definitions that rules stand for, of which it uses rule and lists. What it cannot say (names that are taken, a cron spec, a channel
// that is not there) Load says. Settings of channels are open: their kinds know them.
func Schema(defs map[string]any) map[string]any {
	s := schemaOf(reflect.TypeFor[Config]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Wirewatch configuration"
	s["patternProperties"] = map[string]any{"^x-": map[string]any{}} // a place for anchors
	s["$defs"] = defs
	return s
}

// schemaOf is what may be written for a t: what decoder.value takes.
func schemaOf(t reflect.Type) map[string]any {
	one := func(types ...string) map[string]any { return map[string]any{"type": types} }
	switch t {
	case reflect.TypeFor[Rules]():
		source := schemaOf(reflect.TypeFor[sources]())
		return map[string]any{"anyOf": []any{source, map[string]any{"type": "array", "items": map[string]any{
			"if":   map[string]any{"anyOf": []any{map[string]any{"required": []string{"file"}}, map[string]any{"required": []string{"files"}}}},
			"then": source, "else": map[string]any{"$ref": "#/$defs/rule"}}}}}
	case nodeType: // lists alone: what a channel has besides takes no key of its own
		return map[string]any{"$ref": "#/$defs/lists"}
	case durationType:
		return map[string]any{"type": []string{"string", "integer"}, "pattern": `^(0|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w))+|.*\$\{.*)$`, "maximum": 0, "minimum": 0}
	case prefixType, secretType:
		return one("string")
	case reflect.TypeFor[Digest]():
		return one("string")
	case reflect.TypeFor[Limit]():
		return map[string]any{"type": "string", "pattern": `^(\s*\d+\s*/\s*(h|1h|hour)\s*|.*\$\{.*)$`}
	case reflect.TypeFor[Bytes]():
		return map[string]any{"type": []string{"string", "integer"}, "pattern": `^(\s*(0|\d+(\.\d+)?\s*[kKmMgGtT][iI]?[bB])\s*|.*\$\{.*)$`, "maximum": 0, "minimum": 0}
	case reflect.TypeFor[AllHours]():
		h := schemaOf(reflect.TypeFor[writtenHours]())
		return map[string]any{"anyOf": []any{h, map[string]any{"type": "array", "items": h}}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.String: // a number that is typed as a word is that word
		return one("string", "number")
	case reflect.Bool:
		return one("boolean")
	case reflect.Int, reflect.Int64:
		return one("integer")
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		return structSchema(t)
	}
	panic("configs: no schema for " + t.String()) // a mistake in the program
}

func structSchema(t reflect.Type) map[string]any {
	props, open := map[string]any{}, false
	var all []any // what must be there, itself or from a file
	for _, f := range fields(t) {
		if f.rest {
			open = true
			continue
		}
		ft := t.FieldByIndex(f.index).Type
		p := schemaOf(ft)
		if len(f.oneof) > 0 {
			p = map[string]any{"enum": f.oneof}
		}
		if !f.required {
			p = map[string]any{"anyOf": []any{map[string]any{"type": "null"}, p}}
		}
		props[f.name] = p
		ways := []any{map[string]any{"required": []string{f.name}}}
		if readable(reflect.New(ft).Elem()) {
			props[f.name+"_file"] = map[string]any{"type": "string", "description": "A file that holds `" + f.name + "`."}
			ways = append(ways, map[string]any{"required": []string{f.name + "_file"}})
		}
		if f.required {
			all = append(all, map[string]any{"oneOf": ways})
		}
	}
	s := map[string]any{"type": "object", "properties": props, "additionalProperties": open}
	if all != nil {
		s["allOf"] = all
	}
	return s
}
