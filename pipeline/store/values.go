package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Clean makes s valid UTF-8 without NUL, which is what both databases can hold. Each offending byte is replaced by one
// ASCII byte ("?" or, for NUL, a blank), so that spans counted before still fit after.
func Clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, '?')
		case r == 0:
			b = append(b, ' ')
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return string(b)
}

// maxKey is the longest text used as an identity; PostgreSQL cannot index more than about 2,700 bytes.
const maxKey = 1000

// ident is s as an identity: cleaned, and, where it is too long for an index, cut and told apart by its hash.
func ident(s string) string {
	s = Clean(s)
	if len(s) <= maxKey {
		return s
	}
	h := sha256.Sum256([]byte(s))
	return Clean(s[:maxKey-80]) + "…sha256:" + hex.EncodeToString(h[:])
}

// ms is t as Unix milliseconds, 0 for the zero time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// at is the time of ms.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// list is v, a slice of strings or structs, as JSON text; a nil slice is [].
func list[T any](v []T) (string, error) {
	if len(v) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

func unlist[T any](s string, v *[]T, what string) error {
	if s == "" || s == "[]" {
		return nil
	}
	if err := json.Unmarshal([]byte(s), v); err != nil {
		return fmt.Errorf("stored %s are no JSON list: %w", what, err)
	}
	return nil
}

// cleaned is v with every string cleaned: JSON would carry a NUL through as an escape.
func cleaned(v []string) []string {
	out := make([]string, len(v))
	for i, s := range v {
		out[i] = Clean(s)
	}
	return out
}
