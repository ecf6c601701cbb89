package extract

import "sync"

// memory keeps the large pieces that reading a page takes, for the next page: without it they are most of what the garbage
// collector has to do.
type memory struct {
	readers, documents sync.Pool
}

// Beyond these sizes, which few pages reach, memory goes back to the collector.
const (
	keepBoxes = 1 << 12
	keepNames = 1 << 12
	keepText  = 1 << 18 // bytes
)

// reader is a reader of x for d.
func (m *memory) reader(x *Extractor, d *document) *reader {
	r, _ := m.readers.Get().(*reader)
	if r == nil {
		r = &reader{hints: map[string]hint{}}
	}
	r.x, r.d = x, d
	return r
}

func (m *memory) keepReader(r *reader) {
	if len(r.hints) > keepNames || cap(r.buf) > keepText || cap(r.scan.buf) > keepText || cap(r.scan.attr) > keepNames {
		return
	}
	clear(r.hints)
	clear(r.stack[:cap(r.stack)])
	*r = reader{
		stack: r.stack[:0], buf: r.buf[:0], hints: r.hints,
		scan: scanner{attr: r.scan.attr[:0], lower: r.scan.lower[:0], buf: r.scan.buf[:0]},
	}
	m.readers.Put(r)
}

// document is an empty document with its root.
func (m *memory) document() *document {
	d, _ := m.documents.Get().(*document)
	if d == nil {
		d = &document{}
	}
	d.boxes = append(d.boxes, box{})
	return d
}

func (m *memory) keepDocument(d *document) {
	if len(d.boxes) > keepBoxes || len(d.blocks) > keepBoxes {
		return
	}
	clear(d.boxes)
	clear(d.blocks)
	*d = document{boxes: d.boxes[:0], blocks: d.blocks[:0]}
	m.documents.Put(d)
}
