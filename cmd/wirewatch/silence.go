package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"time"

	"wirewatch/configs"
	"wirewatch/pipeline"
	"wirewatch/pipeline/desk"
	"wirewatch/pipeline/store"
)

// runAlertsSilence adds, lists and ends silences.
func runAlertsSilence(ctx context.Context, e *env, v verb, args []string) error {
	known := map[string]func(context.Context, *env, verb, []string) error{"add": addSilence, "list": listSilences, "end": endSilence}
	if len(args) > 0 {
		if do := known[args[0]]; do != nil {
			w := map[string]verb{
				"add":  {doc: "keep alerts from every channel that all of what is given is true of, until it is over"},
				"list": {doc: "silences, the newest first, and how many deliveries each keeps quiet"},
				"end":  {args: "ID", doc: "end a silence now; what it kept quiet stays so, and `alerts retry ID` sends it"},
			}[args[0]]
			w.name = v.name + " " + args[0]
			return do(ctx, e, w, args[1:])
		}
		if !strings.HasPrefix(args[0], "-") {
			return usagef("%s %s: there is add, list and end%s", v.name, args[0], didYouMean(args[0], []string{"add", "list", "end"}))
		}
	}
	_, err := v.parse(v.flags(e), args, 1, 1)
	return err
}

func addSilence(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	var s pipeline.Silence
	fs.StringVar(&s.Rule, "rule", "", "alerts of this `rule`")
	fs.StringVar(&s.Site, "site", "", "about articles of this `site` and its subdomains")
	fs.Int64Var(&s.Story, "story", 0, "about this `story`, by its ID")
	fs.StringVar(&s.Query, "query", "", "about articles that this `query` holds for")
	length := fs.String("for", "", "for how `long`: 2h, 7d")
	fs.StringVar(&s.Author, "by", "", "who says so; without it, who is logged in")
	fs.StringVar(&s.Comment, "comment", "", "why")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *length == "" {
		return usagef("%s needs --for: a silence that does not end would lose stories", v.name)
	}
	d, err := configs.Duration(*length)
	if err != nil {
		return usagef("%s --for: %v", v.name, err)
	}
	now := e.now()
	if s.Until = now.Add(d); s.Author == "" {
		s.Author = loggedIn(e)
	}
	if s.Author == "" {
		return usagef("%s: it is not known who is logged in here; say --by NAME, because whoever misses an alert will ask", v.name)
	}
	if err := s.Check(now); err != nil {
		return usagef("%s: %v", v.name, err)
	}
	if s.Query != "" {
		if err := checkQuery(s.Query); err != nil {
			return usagef("%s --query: %v", v.name, err)
		}
	}
	if s.Rule != "" {
		if list, err := rulesOf(e, *file, ""); err == nil { // a configuration that is wrong just now keeps nobody from being quiet
			if _, like, ok := named(list, s.Rule); !ok {
				return usagef("%s --rule: there is no rule %q in the configuration%s", v.name, s.Rule, like)
			}
		}
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		if s.Story != 0 {
			if known, err := hasStory(ctx, st, s.Story); err != nil {
				return err
			} else if !known {
				return fmt.Errorf("there is no story %d; `wirewatch stories list` shows them", s.Story)
			}
		}
		s, err := st.AddSilence(ctx, s)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stderr, "silence %d: %s, until %s; matches are stored and listed, and told to nobody. `wirewatch alerts silence end %d` ends it\n",
			s.ID, s, stamp(s.Until), s.ID)
		return nil
	})
}

// hasStory reports whether the store has a story, be it one that was merged into another.
func hasStory(ctx context.Context, st *store.Store, id int64) (bool, error) {
	_, _, err := st.Story(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// loggedIn is who sits at the machine, as far as that is known.
func loggedIn(e *env) string {
	if name, _ := e.getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

type silenceRow struct {
	State string `json:"state"` // active, expired, ended
	desk.Silence
}

func silenceState(s pipeline.Silence, now time.Time) string {
	switch {
	case s.Active(now):
		return "active"
	case s.Ended.IsZero():
		return "expired"
	}
	return "ended"
}

func listSilences(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	limit := fs.Int("limit", 100, "at most so many, newest first")
	asJSON := fs.Bool("json", false, "JSON lines, nothing clipped")
	if _, err := v.parse(fs, args, 0, 0); err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		list, err := st.Silences(ctx, *limit)
		if err != nil {
			return err
		}
		rows := make([]silenceRow, len(list))
		cells := make([][]string, len(list))
		for i, s := range list {
			r := silenceRow{silenceState(s, e.now()), desk.ShowSilence(s, e.now())}
			rows[i] = r
			cells[i] = []string{strconv.FormatInt(s.ID, 10), r.State, s.String(), r.Until, strconv.Itoa(s.Kept), s.Author, s.Comment}
		}
		return printList(e, *asJSON, rows, wide, []string{"ID", "STATE", "WHAT", "UNTIL", "KEPT QUIET", "BY", "COMMENT"}, cells, "no silences")
	})
}

func endSilence(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	list, err := v.ids(fs, args, 1, 1)
	if err != nil {
		return err
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		ok, err := st.EndSilence(ctx, list[0])
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("there is no silence %d in force; `wirewatch alerts silence list` shows them", list[0])
		}
		fmt.Fprintf(e.stderr, "silence %d is over; nothing that it kept quiet is sent by itself: `wirewatch alerts list --state silenced` lists it, `wirewatch alerts retry ID` sends it\n", list[0])
		return nil
	})
}

// runAlertsAck acknowledges alerts by the IDs of their deliveries, or by the ids of their messages.
func runAlertsAck(ctx context.Context, e *env, v verb, args []string) error {
	fs := v.flags(e)
	file := configFlag(fs)
	name := fs.String("by", "", "who acknowledges; without it, who is logged in")
	rest, err := v.parse(fs, args, 1, -1)
	if err != nil {
		return err
	}
	if *name == "" {
		*name = loggedIn(e)
	}
	numbers := make([]int64, len(rest))
	for i, r := range rest {
		if strings.HasPrefix(r, "msg_") {
			continue
		}
		one, err := ids([]string{r})
		if err != nil {
			return err
		}
		numbers[i] = one[0]
	}
	return withStore(ctx, e, *file, func(st *store.Store) error {
		for i, r := range rest {
			got, err := st.Acknowledge(ctx, numbers[i], r, *name)
			if err != nil {
				return err
			}
			if !got.Known {
				return fmt.Errorf("there is no delivery %s; `wirewatch alerts list` shows their IDs", r)
			}
			fmt.Fprintf(e.stderr, "%s: %s acknowledged, %s cancelled\n", r, count(got.Alerts, "alert"), count(got.Escalations, "escalation"))
		}
		return nil
	})
}
