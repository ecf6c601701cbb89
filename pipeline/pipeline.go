// Package pipeline is Wirewatch in one sentence: poll feeds, process items, deliver alerts. It holds the words of the
// project as types (Feed, Item, Page, Article, Story, Match, Alert, Delivery), the three loops that work on them
// (Poller, Processor, Deliverer), and beside each loop the small interfaces it needs of the world. It knows no SQL, no
// HTTP and no message format; clocks and randomness are fields.
package pipeline

import (
	"time"

	"wirewatch/pipeline/diff"
)

// A Feed is a source that is polled: what the configuration says of it, and what earlier polls left.
type Feed struct {
	Name  string        // unique; a feed is its name
	Kind  string        // source kind, "rss" for every feed format
	URL   string        // as configured
	Every time.Duration // interval between polls; 0: the default, unless Cron is set
	Cron  string        // cron spec; wins over Every
	FeedState
}

// FeedState is what the store keeps of a feed from poll to poll.
type FeedState struct {
	Address      string // where it is polled now; differs from URL after a permanent redirect was believed
	ETag         string // validators of the last whole, well-formed document; never of a broken one
	LastModified string
	MovedTo      string    // target of the permanent redirect seen last, until it is believed
	MovedSeen    int       // how many polls in a row saw it
	Retired      time.Time // zero: in use; else since when the server says 410 Gone
	NextPoll     time.Time
	LastPoll     time.Time // last attempt
	LastOK       time.Time // last attempt that proved the feed healthy
	Failures     int       // failed polls in a row
	FailingSince time.Time // the first of them; zero: there are none
	EmptySince   time.Time // since when its document, which had entries, has none; zero: it has some
	Error        string    // why the last poll failed; "" after a good one
	Warning      string    // what was odd about the last good poll: cut short, emptied, moved
	Title        string
	Entries      int  // entries in the last good document
	Baselined    bool // the first good poll is behind it
}

// An Entry is one entry of a feed document. Times are UTC; the zero time is unknown.
type Entry struct {
	GUID         string    `json:"guid"`
	URL          string    `json:"url"`
	OrigURL      string    `json:"-"` // the page's own address, where URL is a feed service's link to it; "" otherwise
	Title        string    `json:"title"`
	Author       string    `json:"author"`
	Published    time.Time `json:"published"`
	PublishedRaw string    `json:"-"`
	Updated      time.Time `json:"-"`
	Summary      string    `json:"summary"` // HTML or text, as the feed gives it
	Content      string    `json:"-"`       // the full text, where the feed carries it
	Tags         []string  `json:"-"`
}

// Text is what the feed itself says of the article: its full text where it carries one, or the summary; the longer one.
func (e *Entry) Text() string {
	if len(e.Content) < len(e.Summary) {
		return e.Summary
	}
	return e.Content
}

// Origin says how an item came in.
type Origin string

const (
	FromPoll     Origin = "poll"     // a poll of the daemon or of run --once
	FromBaseline Origin = "baseline" // a first poll found it, and it was old already
	FromBackfill Origin = "backfill"
)

// ItemState is where an item stands in its queue.
type ItemState string

const (
	ItemOpen ItemState = "open" // to be worked on when due
	ItemDone ItemState = "done" // an article came of it
	ItemDead ItemState = "dead" // failed for good; listed, retried by hand. It may still have an article from the feed's text
)

// An Item is an entry seen in a feed, on its way to an article.
type Item struct {
	ID        int64
	Feed      string
	Entry     Entry
	Canonical string // canonical form of Entry.URL, "" when the entry has no link
	Host      string // key of the scrape queue: the authority of Entry.URL, or NoHost
	Origin    Origin
	Quiet     bool // stores matches, never alerts
	State     ItemState
	Due       time.Time
	Attempts  int // failed attempts
	Claims    int // times it was taken up since its last outcome: a page that kills the process shows here
	Error     string
	FirstSeen time.Time
	FirstTry  time.Time // zero: not tried yet
	Article   int64     // the article made of it; 0: none yet
	Fallback  bool      // that article is the feed's own text
	Visit     time.Time // when its page is looked at again, once it is done; zero: not any more

	// The validators of its page as it was read last. Where a fetcher is given them, the request is conditional.
	ETag, LastModified string
	Doubt              int64 // fingerprint of a suspiciously short text that the last look found; 0: none

	// Of an item that a backfill found.
	Backfill int64     // the run; 0: none
	Copy     string    // where an archive has a copy of its page, which is read in the page's place; "": nowhere
	Taken    time.Time // when that copy was taken; zero: unknown
}

// NoHost is the scrape key of items without a link; they become articles of the feed's own text.
const NoHost = "(no link)"

// A Page is a fetched document.
type Page struct {
	URL          string // asked for
	FinalURL     string // after redirects
	Status       int
	ContentType  string
	Body         []byte // content-decoded, in the page's own charset, whole
	ETag         string
	LastModified string
	Fetched      time.Time
	Packed       []byte // Body as the store keeps it, once ProcessStore.PackPage has made it; nil before
	Feed         string // what the feed itself says of the article, HTML or text: a witness to what the page shows
}

// A Block is a paragraph-sized piece of a page, kept or removed.
type Block struct {
	Class string `json:"class"`
	Kept  bool   `json:"kept"`
	Text  string `json:"text"`
	Rule  string `json:"rule,omitempty"` // what removed it; of a kept block: the site rule that kept it
}

// Source says where an article's text was taken from.
type Source string

const (
	SourcePage Source = "page"
	SourceFeed Source = "feed" // the page could not be had: the feed's own text
)

// An Article is the clean result: what the journalist wrote, and what was removed around it.
type Article struct {
	ID        int64
	Story     int64
	Feed      string
	URL       string // where the reader finds it
	Canonical string // its identity
	Site      string // registrable host name, with the port where it is not the scheme's own
	SiteName  string
	Title     string
	Authors   []string
	Tags      []string
	Published time.Time // UTC, zero when unknown
	Date      string    // as the page says: RFC 3339 with its own offset, or a bare date
	Modified  string    // last change, in the same form; "" when the page names none
	Section   string    // of the paper, as the page calls it
	Image     string    // address of the lead picture
	Lang      string
	Agency    string
	Body      string // paragraphs joined by a blank line
	Blocks    []Block
	Source    Source
	Paywalled bool
	Why       string // with SourceFeed: why the page could not be had
	Relation  string // to the article Of: new, identical, copy, version, excerpt, same_event
	Of        int64
	Score     float64
	Sketch    []byte // fingerprint for the duplicate index
	Seen      time.Time
	Pruned    bool      // retention took the body; who the article was, and what was told of it, stays
	Past      bool      // a backfill stored it; its Story is 0 until it has been joined
	Withdrawn time.Time // since when its page is gone (404, 410); zero: it is there as far as is known
}

// A Story is a set of articles that tell the same news.
type Story struct {
	ID         int64
	Title      string
	Created    time.Time
	MergedInto int64 // 0: it stands
	Event      int64 // the story that opened the event this one is of; 0: its own
}

// A Span is a half-open range of bytes [Start, End) in the UTF-8 of an article's field.
type Span struct {
	Field string `json:"field"`
	Start int    `json:"start"`
	End   int    `json:"end"`
}

// A Match is a rule that holds for an article, and where.
type Match struct {
	Rule     string
	Channels []string // the rule's channels; empty: every channel
	OncePer  OncePer  // what it is told once of
	When     *When    // the rule tells of how many there are, not of this article; nil: it does not count
	Updates  Updates  // what the rule wants to be told of later
	Silent   bool     // it is stored, and tells nobody: its rule has expired
	About    About    // what the reader is told of the rule
	Spans    []Span
	Waits    map[string]time.Duration // by channel: how long an alert about it waits for the story's other outlets
	Escalate Escalation
}

// An Escalation sends a match to a second channel when nobody has acknowledged it After it was raised. Its zero value is none.
type Escalation struct {
	To    string
	After time.Duration
}

// About is what the reader of an alert is told of its rule beside the name.
type About struct {
	Severity string   `json:"severity,omitempty"` // one of Severities; "": not said
	Tags     []string `json:"tags,omitempty"`
	Note     string   `json:"note,omitempty"`
}

// Updates are what a rule wants to be told of later, of what it told before.
type Updates struct {
	Versions  bool // what new versions of an article change
	Outlets   int  // for every so many more outlets that carry the story; 0: not
	Withdrawn bool // that the page of an article is gone
	Separate  bool // in messages of their own, even where a channel has threads
}

// OncePer is what a rule is told once of.
type OncePer string

const (
	PerArticle OncePer = "article"
	PerStory   OncePer = "story" // the default; "" means it too
	PerEvent   OncePer = "event" // all stories of one happening
)

// Alert kinds.
const (
	KindMatch  = "match"
	KindUpdate = "update"
	KindDigest = "digest"
	KindHealth = "health"
	KindTest   = "test"
)

// An Alert is what to say, once per (Rule, Subject, Kind, Seq).
type Alert struct {
	ID      int64
	Rule    string
	About   About  // what its configuration said of the rule when the alert was raised, so that every attempt says the same
	Subject string // "story:17"; "article:…" or "event:…", as OncePer says; "count:RULE" of articles of many stories
	OncePer OncePer
	Kind    string
	Seq     int
	Created time.Time
	Story   Story
	Article Article                  // the article that matched; Blocks are not loaded
	Spans   []Span                   // the match in Article
	Outlets []Outlet                 // who else carries the story; with CountQuery, who published the others that were counted
	Health  Health                   // what an alert of KindHealth says; Article holds it as headline and text
	Members []Delivery               // of KindDigest: what it gathers, in the order of commit; else nil
	Wait    map[string]time.Duration // only to raise it, by channel: how long after Created its delivery is held
	Archive Bundle                   // only to raise it: ForArchive or ForArchiveDigest, in which its deliveries wait; "": it is no replay
	Update  *Update                  // with KindUpdate: what changed; else nil
	Mark    Mark                     // what a person says of it, where it is listed
	Count   *Count                   // of a rule that counts: what made it tell, with Article as the one that did; else nil
	Acked   time.Time                // when a person acknowledged it; zero: nobody did
	AckedBy string
	// Escalate asks for a further delivery, held until then, when it is raised; later it says where one waits.
	Escalate Escalation
}

// A Mark is what a person says of an alert afterwards: whether its rule was right to tell of the article.
type Mark struct {
	Says Judgement
	By   string // who says so; may be empty
	Note string
	At   time.Time
}

// A Judgement is right or wrong; "" is none.
type Judgement string

const (
	Right Judgement = "right"
	Wrong Judgement = "wrong"
)

// An Update is what an alert of KindUpdate says of what its rule told before: a new version of the article, that its page is gone, or
// that the story has grown. It is made once, when the alert is raised, so that every attempt says the same.
type Update struct {
	Version int       // number of the version, from 2; 0 where no new text is the news
	First   int64     // the alert that told of the article first
	Told    time.Time // when that was raised
	UID     string    // its message's id in the same channel
	Ref     string    // what the receiver called that message, or the digest that it is part of, see Delivery.Ref
	Digest  bool      // it is part of one
	Lapsed  bool      // the rule holds for the new version no more
	// Outlets is how many others carry the story by now, where that it has grown is the news and no new text; 0: it is not.
	Outlets   int
	Withdrawn bool // the page is gone (404, 410): that is the news
	Corrected bool // the new version carries a notice that it was corrected
	Separate  bool // the rule wants no thread, see Updates
	// What changed in title and body, shortened; none: nothing. Left is how many changes were left out or cut.
	Title, Body    []diff.Chunk
	Left           int
	Removed, Added int // words, in all
}

// Passes reports whether its deliveries go out before those that wait, whatever the channel's policy: they tell no news of the world.
func (a *Alert) Passes() bool { return a.Kind == KindHealth || a.Kind == KindTest || a.OfHealth() }

// OfHealth reports whether it is a digest for the operator. What is gathered for one is never gathered with other alerts.
func (a *Alert) OfHealth() bool {
	return a.Kind == KindDigest && len(a.Members) > 0 && a.Members[0].Alert.Kind == KindHealth
}

// An Outlet is another article of the alert's story: who else carries it.
type Outlet struct {
	Site      string    `json:"site"`
	SiteName  string    `json:"site_name"`
	Title     string    `json:"title"`
	URL       string    `json:"url"`
	Published time.Time `json:"published"`
}

// DeliveryState is where a delivery stands in its queue.
type DeliveryState string

const (
	DeliveryOpen     DeliveryState = "open"
	DeliverySent     DeliveryState = "sent"     // the receiver has it, alone or in a digest
	DeliveryDead     DeliveryState = "dead"     // refused or too old; listed, replayed by hand
	DeliveryHeld     DeliveryState = "held"     // kept quiet in Bundle until Due; it stands in nobody's way
	DeliveryGathered DeliveryState = "gathered" // part of the digest Digest, which is not sent yet
	DeliverySilenced DeliveryState = "silenced" // kept from its channel by Silence; listed, sent by hand
	DeliveryAcked    DeliveryState = "acked"    // an escalation that is not needed: someone acknowledged the alert in time
)

// A Delivery is one alert on its way to one channel. UID is the message id the receiver sees, the same at every attempt.
type Delivery struct {
	ID       int64
	UID      string
	Channel  string
	State    DeliveryState
	Due      time.Time // when it may go out; while it is held: when its bundle does
	Bundle   Bundle    // what holds it, or held it last
	Released time.Time // when its bundle let it go as itself; zero: it did not
	Digest   int64     // the delivery of the digest that it is part of; 0: none
	Silence  int64     // the silence that kept it quiet; 0: none
	Archived bool      // a replay asked for it: it tells of the past, and goes out when nothing else waits for its channel
	Told     []Told    // of an escalation: who was told first
	Begun    bool      // an attempt was begun, whether or not its outcome is known: the receiver may have it under this UID
	Attempts int
	Error    string
	Created  time.Time
	Sent     time.Time
	Ref      string // what the receiver called the message when it took it; "": it gave it no name
	Alert    Alert
}

// Told is a channel that an alert went to before it was escalated.
type Told struct {
	Channel string
	Sent    time.Time // zero: it has not taken it
}

// An Event is what a loop did with one key, for logs and metrics.
type Event struct {
	Stage   string // poll, process, deliver
	Key     string // feed, host or channel
	Outcome string // one word: ok, unchanged, partial, failed, retry, dead …
	Count   int    // new items, stored articles, sent messages
	Took    time.Duration
	Lag     time.Duration // deliver: from the alert's creation, its channel's wait included, to the receiver's yes
}
