package dedup

// Brief is what of a Sketch tells whether a text is the same: its length and the hashes of its words and its title's, without
// the shingles. It is a Sketch of some twenty bytes, like no other text. SameText takes it.
func Brief(sketch []byte) []byte {
	if len(sketch) == 0 {
		return nil
	}
	s := decode(sketch, nil)
	s.hashes = nil
	return s.encode()
}

// SameText reports whether two Sketches, or Briefs of them, are of the same words under the same title.
func SameText(a, b []byte) bool {
	x, y := decode(a, nil), decode(b, nil)
	return (x.units > 0 || x.title != 0) && x.units == y.units && x.text == y.text && x.title == y.title
}
