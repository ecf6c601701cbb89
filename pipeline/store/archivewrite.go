package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"wirewatch/pipeline"
)

// An Importing reads one archive into the store, once. Nothing that it stores is told to anyone.
type Importing struct {
	Store *Store
	// SameText reports whether two fingerprints are of the same text: retention may have taken the text itself.
	SameText func(a, b []byte) bool

	Imported

	run     int64
	stories map[string]*pipeline.ArchivedStory // that were announced, and of which no article has come yet
}

// Imported counts what an import did.
type Imported struct {
	Articles, Stories, Matches int // stored, opened, stored with new articles
	Known                      int // articles that were there
}

// Add counts what another import did, too.
func (n *Imported) Add(o Imported) {
	n.Articles, n.Stories, n.Matches, n.Known = n.Articles+o.Articles, n.Stories+o.Stories, n.Matches+o.Matches, n.Known+o.Known
}

// Put stores a part of an archive in one transaction: all of it, or with an error nothing. A story must come before its articles.
//
// An article that is there, under its canonical URL with the same text, is left as it is. A new one joins its story where the archive's
// other articles of it are, whether they were there or came with the archive; else its story is opened. What was told of a story in the
// store that the archive is of counts as told of one that is opened, and of no other.
func (m *Importing) Put(ctx context.Context, records []pipeline.ArchiveRecord) error {
	if m.stories == nil {
		m.run, m.stories = m.Store.now().UnixMicro(), map[string]*pipeline.ArchivedStory{}
	}
	for _, r := range records {
		if r.Story != nil {
			m.stories[r.Story.Key] = r.Story
		}
	}
	var n Imported
	err := m.Store.tx(ctx, func(c conn) error {
		n = Imported{}
		if err := c.lock(lockStories); err != nil {
			return err
		}
		if c.d.index != "" {
			if _, err := c.exec(c.d.index); err != nil {
				return err
			}
		}
		p := archivePart{c: c, t: &Tx{c, m.Store}, same: m.SameText, run: m.run, stories: m.stories, n: &n}
		for _, r := range records {
			if err := p.put(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	for _, r := range records {
		if r.Article != nil {
			delete(m.stories, r.Article.StoryKey)
		}
	}
	m.Add(n)
	return nil
}

// An archivePart is a transaction of an import.
type archivePart struct {
	c       conn
	t       *Tx
	same    func(a, b []byte) bool
	run     int64
	stories map[string]*pipeline.ArchivedStory // that were announced
	n       *Imported
}

func (p *archivePart) put(r pipeline.ArchiveRecord) error {
	switch {
	case r.Article != nil:
		if err := p.article(r.Article); err != nil {
			return fmt.Errorf("article %s: %w", cmp.Or(r.Article.URL, r.Article.Key), err)
		}
	case r.Episode != nil:
		return p.episode(r.Episode)
	}
	return nil
}

// Kinds of names in archive_keys.
const (
	keyArticle = "article"
	keyStory   = "story"
	keyEvent   = "event"
)

func keyDigest(kind, key string) []byte {
	h := sha256.Sum256([]byte(kind + "\x00" + Clean(key)))
	return h[:16]
}

// find finds what an earlier part called so; 0: nothing.
func (p *archivePart) find(kind, key string) (id int64, opened bool, err error) {
	if key == "" {
		return 0, false, nil
	}
	err = p.c.get([]any{&id, &opened}, `SELECT id, opened FROM archive_keys WHERE key = ?`, keyDigest(kind, key))
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return id, opened, err
}

func (p *archivePart) call(kind, key string, id int64, opened bool) error {
	if key == "" {
		return nil
	}
	_, err := p.c.exec(`INSERT INTO archive_keys (key, kind, id, opened, run) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET id = excluded.id, opened = excluded.opened, run = excluded.run`, keyDigest(kind, key), kind, id, bit(opened), p.run)
	return err
}

func (p *archivePart) article(a *pipeline.ArchivedArticle) error {
	id, _, err := p.find(keyArticle, a.Key)
	if err != nil {
		return err
	}
	if id != 0 {
		p.n.Known++
		return p.call(keyArticle, a.Key, id, false)
	}
	known, err := p.stored(a)
	if err != nil {
		return err
	}
	if known.id != 0 {
		p.n.Known++
		if err := p.call(keyArticle, a.Key, known.id, false); err != nil {
			return err
		}
		return errors.Join(p.arrived(a.Key, known.id), p.reunite(a, known.story))
	}
	return p.insert(a)
}

// placed is an article in the store.
type placed struct{ id, story int64 }

// stored finds the article in the store: the same text under the same canonical URL, or without one from the same site. What this archive
// named already is another one: a page that returned to an earlier text is stored once more. Another archive may have named it otherwise,
// before retention took its text.
func (p *archivePart) stored(a *pipeline.ArchivedArticle) (placed, error) {
	type candidate struct {
		placed
		title, body string
		sketch      []byte
		pruned      int64
	}
	var all []candidate
	err := p.c.each(func(scan func(...any) error) error {
		var x candidate
		err := scan(&x.id, &x.story, &x.title, &x.body, &x.sketch, &x.pruned)
		all = append(all, x)
		return err
	}, `SELECT id, story, title, body, sketch, pruned FROM articles WHERE canonical = ? AND (canonical <> '' OR site = ? AND title = ?) ORDER BY id`,
		ident(a.Canonical), ident(a.Site), a.Title)
	if err != nil {
		return placed{}, err
	}
	gone := a.Forgotten >= pipeline.BodyForgotten
	for _, x := range all {
		same := x.title == Clean(a.Title) && x.body == Clean(a.Body)
		if gone || x.pruned >= prunedBody {
			same = len(a.Sketch) > 0 && len(x.sketch) > 0 && p.same(x.sketch, a.Sketch)
		}
		if !same {
			continue
		}
		if taken, err := p.c.has(`SELECT 1 FROM archive_keys WHERE id = ? AND run = ? AND kind = 'article'`, x.id, p.run); err != nil || !taken {
			return x.placed, err
		}
	}
	return placed{}, nil
}

// reunite makes what the archive has told of a known article's story so far part of that story, and remembers the story by the archive's name.
func (p *archivePart) reunite(a *pipeline.ArchivedArticle, story int64) error {
	if story == 0 || a.StoryKey == "" {
		return nil
	}
	opened, ours, err := p.find(keyStory, a.StoryKey)
	if err != nil {
		return err
	}
	if opened != 0 {
		if opened, err = rootOf(p.c, opened); err != nil {
			return err
		}
	}
	if opened != 0 && ours && opened != story {
		// It was told in another store. Here the story has its own account of that.
		if _, err := p.c.exec(`DELETE FROM story_told WHERE story = ?`, opened); err != nil {
			return err
		}
		if err := p.t.MergeStories(opened, story); err != nil {
			return err
		}
		opened = 0
	}
	if opened == 0 {
		if err := p.call(keyStory, a.StoryKey, story, false); err != nil {
			return err
		}
	}
	event, _, err := p.find(keyEvent, a.EventKey)
	if err == nil && event == 0 {
		if event, err = eventOf(p.c, story); err == nil {
			err = p.call(keyEvent, a.EventKey, event, false)
		}
	}
	return err
}

// insert stores an article that is new, in the archive's story.
func (p *archivePart) insert(a *pipeline.ArchivedArticle) error {
	b := a.Article
	if b.Seen.IsZero() {
		b.Seen = p.t.s.now()
	}
	var err error
	if b.Of, _, err = p.find(keyArticle, a.OfKey); err != nil {
		return err
	}
	opens := false
	if b.Story, opens, err = p.story(a, b); err != nil {
		return err
	}
	if b.ID, err = p.t.insertArticle(&b, nil); err != nil {
		return err
	}
	if !b.Withdrawn.IsZero() || a.Forgotten != pipeline.NothingForgotten {
		if _, err := p.c.exec(`UPDATE articles SET withdrawn = ?, pruned = ? WHERE id = ?`, ms(b.Withdrawn), int64(a.Forgotten), b.ID); err != nil {
			return err
		}
	}
	if a.Forgotten >= pipeline.FingerprintForgotten { // no duplicate index may learn of it
		if _, err := p.c.exec(`INSERT INTO changes (kind, article) VALUES (?, ?)`, string(pipeline.ChangePrune), b.ID); err != nil {
			return err
		}
	}
	if opens && a.Terms != nil {
		if err := p.t.SaveTerms(b.ID, b.Seen, a.Terms); err != nil {
			return err
		}
	}
	if err := p.t.SaveMatches(b.ID, a.Matches); err != nil {
		return err
	}
	for _, t := range a.Told {
		if _, err := p.c.exec(`INSERT INTO article_told (article, rule, kind, seq) VALUES (?, ?, ?, ?) ON CONFLICT (article, rule, kind, seq) DO NOTHING`,
			b.ID, t.Rule, pipeline.KindMatch, t.Seq); err != nil {
			return err
		}
	}
	if a.OfKey != "" && b.Of == 0 {
		if _, err := p.c.exec(`INSERT INTO archive_awaited (key, article) VALUES (?, ?)`, keyDigest(keyArticle, a.OfKey), b.ID); err != nil {
			return err
		}
	}
	p.n.Articles++
	p.n.Matches += len(a.Matches)
	return errors.Join(p.call(keyArticle, a.Key, b.ID, false), p.arrived(a.Key, b.ID))
}

// arrived gives articles their relation to one that came after them.
func (p *archivePart) arrived(key string, id int64) error {
	if key == "" {
		return nil
	}
	k := keyDigest(keyArticle, key)
	n, err := p.c.exec(`UPDATE articles SET of_id = ? WHERE id IN (SELECT article FROM archive_awaited WHERE key = ?)`, id, k)
	if err == nil && n > 0 {
		_, err = p.c.exec(`DELETE FROM archive_awaited WHERE key = ?`, k)
	}
	return err
}

// story finds the story of a new article, or opens it. An article that has joined no story yet has none.
func (p *archivePart) story(a *pipeline.ArchivedArticle, b pipeline.Article) (id int64, opens bool, err error) {
	if a.StoryKey == "" {
		return 0, false, nil
	}
	if id, _, err = p.find(keyStory, a.StoryKey); err != nil || id != 0 {
		return id, false, err
	}
	st := p.stories[a.StoryKey]
	if st == nil {
		st = &pipeline.ArchivedStory{Title: a.Title}
	}
	created := st.Created
	if created.IsZero() {
		created = b.Seen
	}
	if id, err = p.t.OpenStory(st.Title, created); err != nil {
		return 0, false, err
	}
	p.n.Stories++
	event, _, err := p.find(keyEvent, a.EventKey)
	if err != nil {
		return 0, false, err
	}
	joined, err := p.t.JoinEvent(id, event)
	if err == nil && event == 0 {
		err = p.call(keyEvent, a.EventKey, joined, true)
	}
	if err == nil {
		err = p.call(keyStory, a.StoryKey, id, true)
	}
	for _, t := range st.Told {
		if err == nil {
			_, err = p.c.exec(`INSERT INTO story_told (story, rule, kind, seq) VALUES (?, ?, ?, ?) ON CONFLICT (story, rule, kind, seq) DO NOTHING`,
				id, t.Rule, pipeline.KindMatch, t.Seq)
		}
	}
	for _, key := range st.Apart { // of two stories the second one has the other to be kept apart from
		var other int64
		if err == nil {
			other, _, err = p.find(keyStory, key)
		}
		if err == nil && other != 0 && other != id {
			err = decideOn(p.c, id, other, apart, p.t.s.now())
		}
	}
	return id, true, err
}

// episode stores a told episode, unless the rule has one of its own that lies in the same time.
func (p *archivePart) episode(e *pipeline.ArchivedEpisode) error {
	known, err := p.t.Episodes(e.Rule, e.Begins, e.Ends)
	if err == nil && len(known) == 0 {
		_, err = p.t.OpenEpisode(e.Rule, e.Episode)
	}
	return err
}
