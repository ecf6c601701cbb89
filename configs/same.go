package configs

import (
	"reflect"
	"slices"
	"strings"
)

// SameApartFrom reports whether two configurations say the same under every key but those named: what a running daemon
// can take over is less than what a file can change.
func (c *Config) SameApartFrom(d *Config, keys ...string) bool {
	a, b := reflect.ValueOf(*c), reflect.ValueOf(*d)
	for i := range a.NumField() {
		key, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
		if key == "" || key == "-" || slices.Contains(keys, key) {
			continue
		}
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			return false
		}
	}
	return true
}
