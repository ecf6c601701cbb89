package pipeline

// A Secret is a value that must never show: it prints *** wherever it is formatted, logged or marshalled. Reveal is the
// one way to its content, so that a search for Reveal finds every use.
type Secret struct{ value string }

// NewSecret hides s.
func NewSecret(s string) Secret { return Secret{s} }

// Reveal gives the hidden value.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is nothing hidden.
func (s Secret) IsZero() bool { return s.value == "" }

func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return "***"
}

// GoString keeps %#v from looking inside.
func (s Secret) GoString() string { return `pipeline.Secret("***")` }

// MarshalText keeps JSON and YAML from looking inside.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the value from a configuration.
func (s *Secret) UnmarshalText(b []byte) error { s.value = string(b); return nil }
