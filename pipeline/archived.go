package pipeline

import "time"

// This file is what an archive says of what is stored, without the numbers of any one database: articles, stories and events go by keys
// that are made of what they are, so that two stores that hold the same give them the same names.

// An ArchiveRecord is one thing in an archive: one of its fields is set.
type ArchiveRecord struct {
	Story   *ArchivedStory
	Article *ArchivedArticle
	Episode *ArchivedEpisode
}

// An ArchivedArticle is an article with what was found in it. The ID, Story and Of of its Article are those of the store that it was read
// from, and 0 in one that is to be stored.
type ArchivedArticle struct {
	Article
	Key       string
	StoryKey  string // "": it is stored, and has joined no story yet
	EventKey  string
	OfKey     string // of the article Of; "": there is none
	Forgotten Forgotten
	Matches   []Match // Rule, Channels and Spans are set
	Told      []ArchivedTold
	Terms     []byte // what it is about, for the index of events; only in what is to be stored, nil: nobody needs it any more
}

// An ArchivedStory is a story that stands.
type ArchivedStory struct {
	Key      string
	EventKey string
	Title    string
	Created  time.Time
	Articles int
	Sites    []string // who carries it
	Rules    []string // that matched in it
	Told     []ArchivedTold
	Apart    []string // stories that a person keeps apart from it
}

// ArchivedTold is what a rule told of a story, or of an article where it is told once an article.
type ArchivedTold struct {
	Rule string `json:"rule"`
	Seq  int    `json:"seq"`
}

// An ArchivedEpisode is a time in which the articles of a rule that counts came together, and that was told.
type ArchivedEpisode struct {
	Rule string
	Episode
}

// Forgotten is how much of an article retention has taken.
type Forgotten int

const (
	NothingForgotten     Forgotten = iota
	PageForgotten                  // its page and its blocks
	BodyForgotten                  // its body too
	FingerprintForgotten           // most of its fingerprint too
)
