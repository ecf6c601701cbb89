// Package scrapers is Wirewatch's way out into the web: the one guarded HTTP client, the source kinds, and the polite
// fetch of pages with colly.
//
// The contract. Whatever leaves the process leaves through a Client: the address that is dialled is the address that was
// checked (no private, reserved or metadata address unless the configuration allows it by prefix), bodies are decoded
// here and bounded after decoding, too much is an error and never a cut, redirects and time are bounded, and the
// environment (proxies, COLLY_ variables) changes nothing. Every request of a feed or page, redirects and robots.txt
// included, waits for its host's slot. Errors carry a pipeline.Failure and read as one sentence that names the host and
// never a path, query, password or cookie. A cancelled context ends every wait at once and is returned as such.
package scrapers

// A Kind is a kind of source that feeds can have; Doc is its line in the README.
type Kind struct{ Name, Doc string }

// KindRSS is the kind of every feed format.
const KindRSS = "rss"

// Kinds lists the source kinds.
var Kinds = []Kind{
	{KindRSS, "a feed: RSS 0.9x and 2.0, RDF, Atom, JSON Feed; polled with conditional requests"},
}
