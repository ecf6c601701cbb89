package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/seeds/newsroom"
)

// The chaos run: alerts for five channels whose receivers are unwell in every way, and a daemon that is killed, loses its power, finds
// its disk full and its clock changed. Then the books are checked: nothing is lost, order is kept, repeats carry the same id.
//
// WIREWATCH_CHAOS sets how many alerts (default 150; .ci/run takes 10,000): 3 of a hundred go to Slack, and the daemon is ended once for
// each hundred, in a run that lasts as long as Slack's pace of one message a second wants. WIREWATCH_SEED sets the seed.
func TestChaos(t *testing.T) {
	n := setting("WIREWATCH_CHAOS", 150)
	c := newChaos(t, uint64(setting("WIREWATCH_SEED", 1)), n, max(4, n*3/100), max(3, n/100))
	c.silence("hushed")
	began := time.Now()
	raised := make(chan struct{})
	go func() { defer close(raised); c.raise() }()
	c.start()
	for k := range c.kills {
		c.killed.Store(int64(k))
		if k == c.kills/2 {
			c.replay()
		}
		c.trouble(k)
	}
	<-raised
	c.killed.Store(int64(c.kills))
	c.calm.Store(true)
	c.drain()
	order := c.order() // before the last replay, which is the end of the line
	for range 5 {      // what is old already dies again when its receiver fails three times in a row
		if c.left(pipeline.DeliveryDead) > 0 {
			c.replay()
			c.settle()
		}
	}
	page := c.metrics()
	c.end()
	t.Logf("chaos, seed %d: %d alerts, %d to Slack, %d kills in %s", c.seed, n, c.slack, c.kills, time.Since(began).Round(time.Second))
	c.check(order)
	c.leaks(page)
}

// chaosMain is the daemon as `run` starts it, with a clock that is off and pauses between attempts that suit a test. Its arguments are
// the configuration and by how much the clock is off.
func chaosMain() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	os.Exit(exitCode(os.Stderr, chaosDaemon(ctx, os.Args[1], os.Args[2])))
}

func chaosDaemon(ctx context.Context, file, offset string) error {
	off, err := time.ParseDuration(offset)
	if err != nil {
		return err
	}
	now := func() time.Time { return time.Now().Add(off) }
	e := &env{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.LookupEnv, now: now}
	s, err := load(file, e.getenv, e.now)
	if err != nil {
		return err
	}
	unlock, err := lockDaemon(ctx, s.cfg)
	if err != nil {
		return err
	}
	defer unlock()
	a, err := openApp(ctx, s, newLog(e, s.cfg.Log), e.stdout)
	if err != nil {
		return err
	}
	defer a.close()
	a.deliver.Now, a.engine.Now = now, now
	a.deliver.Backoff = pipeline.Backoff{First: 2 * time.Millisecond, Factor: 2, Max: 50 * time.Millisecond}
	a.engine.Sweep = 20 * time.Millisecond
	if err := a.begin(ctx, s); err != nil {
		return err
	}
	if err := a.shortenWaits(ctx); err != nil {
		return err
	}
	return a.daemon(ctx, e, file, nil)
}

// start starts a daemon with the clock as it is now.
func (c *chaos) start() {
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	c.daemon++
	if err := os.WriteFile(c.cfg, []byte(c.config()), 0o600); err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(self, c.cfg, c.offset().String())
	cmd.Env = append(os.Environ(), "WIREWATCH_TEST_MAIN=chaos")
	cmd.Stdout, cmd.Stderr = c.log, c.log
	if st, err := c.log.Stat(); err == nil {
		c.logged = st.Size()
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.cmd, c.ended = cmd, make(chan error, 1)
	go func(ended chan<- error) { ended <- cmd.Wait() }(c.ended)
}

// trouble waits for a random moment and ends the daemon there in some way, then starts it again.
func (c *chaos) trouble(k int) {
	full := k%25 == 1 && c.fill()
	c.gaveUp = c.gaveUp || full
	c.pause()
	if k%5 == 2 {
		c.powerCut()
	} else {
		c.kill()
	}
	c.gaveUp = full
	if c.rand.IntN(5) == 0 || k == 0 {
		c.jump()
	}
	c.start()
	if full { // it may have to start on a full disk, and may give up; then whoever started it starts it again
		c.pause()
		if err := os.Remove(c.ballast()); err != nil {
			c.t.Error(err)
		}
		select {
		case <-c.ended:
			c.forgive()
			c.start()
		default:
		}
	}
}

// pause lasts until a random moment, so that all of them together last for length. The moment is random by design, not
// for luck.
func (c *chaos) pause() {
	time.Sleep(100*time.Millisecond + time.Duration(c.rand.Int64N(int64(2*c.length()/time.Duration(c.kills)))))
}

// length is how long the part of the run with trouble in it is meant to last: a little less than Slack's pace wants.
func (c *chaos) length() time.Duration {
	return max(2*time.Second, time.Duration(c.slack-20)*time.Second)
}

// kill ends the daemon without a warning. Only one whose disk was full may have ended by itself.
func (c *chaos) kill() {
	select {
	case err := <-c.ended:
		if !c.gaveUp {
			c.t.Errorf("the daemon ended by itself: %v", err)
		}
		c.forgive()
		return
	default:
	}
	c.cmd.Process.Kill()
	<-c.ended
	c.forgive()
}

// forgive lets a daemon come back at once to a receiver that asked for patience just before the daemon of the moment ended: it may have
// ended between the answer and writing it down, and then no other daemon can know.
func (c *chaos) forgive() {
	for _, x := range c.receivers {
		x.mu.Lock()
		x.dead = c.daemon
		if time.Since(x.asked) < time.Second {
			x.notBefore = time.Time{}
		}
		if h, ok := x.strict.(*newsroom.SlackHook); ok { // it asks for patience too, when messages sent a second apart arrive closer
			h.Forgive()
		}
		x.mu.Unlock()
	}
}

// jump sets the clock forward, or back. Back only once in a row, because what failed a moment ago then waits for it to go forward again.
// A second passes first: of a receiver that asked for that much patience, a daemon knows only by its clock whether it has been patient.
func (c *chaos) jump() {
	time.Sleep(1100 * time.Millisecond)
	by := []time.Duration{3 * time.Hour, -2 * time.Hour, 3 * time.Hour, 20 * time.Hour, -2 * time.Hour, 3 * time.Hour}[c.rand.IntN(6)]
	if by < 0 && c.back {
		by = 3 * time.Hour
	}
	c.back = by < 0
	c.off.Add(int64(by))
	c.jumps++
}

func (c *chaos) offset() time.Duration { return time.Duration(c.off.Load()) }
func (c *chaos) now() time.Time        { return time.Now().Add(c.offset()) }

// powerCut copies the store's files while the daemon stands still in the midst of its work, kills it, and goes on with the copy, as a
// machine does whose power came back: SQLite's journal is replayed when the copy is opened.
func (c *chaos) powerCut() {
	c.mu.Lock() // nobody else writes
	defer c.mu.Unlock()
	c.cmd.Process.Signal(syscall.SIGSTOP)
	for range 1000 {
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid)); err != nil || strings.Contains(string(b), ") T ") {
			break
		}
		time.Sleep(time.Millisecond) // polling for a condition, bounded by the loop
	}
	c.forgive()
	image := c.t.TempDir()
	for _, end := range []string{"", "-wal"} {
		if err := copyFile(c.store+end, filepath.Join(image, "db"+end)); err != nil {
			c.t.Fatal(err)
		}
	}
	c.kill()
	c.st.Close()
	os.Remove(c.store + "-shm")
	for _, end := range []string{"", "-wal"} {
		os.Remove(c.store + end)
		if err := copyFile(filepath.Join(image, "db"+end), c.store+end); err != nil {
			c.t.Fatal(err)
		}
	}
	c.open()
	if err := c.st.Check(c.t.Context()); err != nil {
		c.t.Errorf("after a power cut: %v", err)
	}
	c.cuts++
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if errors.Is(err, os.ErrNotExist) && strings.HasSuffix(from, "-wal") {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

// disk is a folder for the store: on a small disk of its own, where one can be mounted.
func (c *chaos) disk() string {
	dir := c.t.TempDir()
	if os.Geteuid() != 0 {
		c.t.Log("full disk: not tried, because mounting a small one takes root")
		return dir
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=192m"); err != nil {
		c.t.Logf("full disk: not tried, because a small one cannot be mounted here: %v", err)
		return dir
	}
	c.small = true
	c.t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			c.t.Error(err)
		}
	})
	return dir
}

func (c *chaos) ballast() string { return filepath.Join(filepath.Dir(c.store), "ballast") }

// fill fills the disk to the last page, where it is a small one, and leaves SQLite no room in its journal.
func (c *chaos) fill() bool {
	if !c.small {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for range 20 { // the daemon reads and writes on; a journal that is not empty only makes the disk full a little later
		if err := c.st.Checkpoint(c.t.Context()); err == nil {
			break
		}
	}
	f, err := os.Create(c.ballast())
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		c.t.Errorf("fill the disk: %v", err)
	}
	c.fills++
	return true
}

// silence keeps a rule quiet for all of the run, by whatever clock.
func (c *chaos) silence(rule string) {
	now := time.Now()
	if _, err := c.st.AddSilence(c.t.Context(), pipeline.Silence{Rule: rule, Created: now, Until: now.Add(300 * 24 * time.Hour)}); err != nil {
		c.t.Fatal(err)
	}
}

// raise raises the alerts, spread over the run. Only what the store said yes to is noted.
func (c *chaos) raise() {
	began := time.Now()
	for i := range c.n {
		at := (c.length() + 2*time.Second) * time.Duration(i) / time.Duration(c.n)
		time.Sleep(time.Until(began.Add(at)))
		a, channels := c.alert(i)
		for {
			c.mu.Lock()
			a.Created = c.now()
			_, err := c.st.Raise(c.t.Context(), a, channels)
			c.mu.Unlock()
			if err == nil {
				break
			}
			if c.failed.Add(1); c.t.Context().Err() != nil {
				return
			}
			time.Sleep(20 * time.Millisecond) // the disk is full; it is tried again, as the pipeline does
		}
		for _, ch := range channels {
			c.noted[ch] = append(c.noted[ch], i)
		}
	}
}

// replay sends dead deliveries again, and notes behind which ones they stand.
func (c *chaos) replay() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, x := range c.receivers {
		var last int64
		var dead []string
		for _, d := range c.deliveries(name) {
			last = max(last, d.ID)
			if d.State == pipeline.DeliveryDead {
				dead = append(dead, d.UID)
			}
		}
		x.mu.Lock()
		for _, id := range dead {
			if !x.known[id] { // else it was taken before it became too old, only nobody heard so
				c.replays[id] = last
			}
		}
		x.mu.Unlock()
		c.dead += len(dead)
	}
	if _, err := c.st.RetryDeliveries(c.t.Context()); err != nil {
		c.t.Error(err)
	}
}

// drain starts the last daemon, by whose clock everything is due, and waits until nothing is left to be sent.
func (c *chaos) drain() {
	c.t.Helper()
	c.kill()
	c.off.Add(int64(25 * time.Hour))    // further than any jump back
	time.Sleep(1100 * time.Millisecond) // as in jump
	c.start()
	c.settle()
}

// settle waits until nothing is left to be sent; what stands in a digest is sent, or dead, with that. What is held is let go by the clock, which goes on by hours whenever nothing else is left.
func (c *chaos) settle() {
	c.t.Helper()
	for range 20 {
		if !c.waitIdle(3*time.Minute+c.length()) || c.left(pipeline.DeliveryHeld) == 0 {
			return
		}
		c.end()
		c.off.Add(int64(5 * time.Hour))
		c.start()
	}
	c.t.Errorf("%d deliveries are held for ever", c.left(pipeline.DeliveryHeld))
}

// waitIdle waits until nothing was left to be sent for a while.
func (c *chaos) waitIdle(within time.Duration) bool {
	c.t.Helper()
	deadline := time.Now().Add(within)
	for up := false; !up && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) { // polling for a condition, bounded by the deadline
		b, err := os.ReadFile(c.log.Name())
		if err != nil {
			c.t.Fatal(err)
		}
		up = strings.Contains(string(b[c.logged:]), "msg=watching")
	}
	for quiet := 0; quiet < 5; {
		if quiet++; c.left(pipeline.DeliveryOpen) > 0 {
			quiet = 0
		}
		if time.Now().After(deadline) {
			c.t.Errorf("%d deliveries are not sent after %s", c.left(pipeline.DeliveryOpen), within)
			return false
		}
		time.Sleep(100 * time.Millisecond) // polling for a condition, bounded by the deadline
	}
	return true
}

// left is how many deliveries stand in a state.
func (c *chaos) left(state pipeline.DeliveryState) (n int) {
	got, err := c.st.Counts(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, by := range got.Deliveries {
		n += by[state]
	}
	return n
}

// end asks the daemon to end, and expects that it does so in peace.
func (c *chaos) end() {
	c.t.Helper()
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-c.ended:
		if err != nil {
			c.t.Errorf("the daemon ended with %v", err)
		}
	case <-time.After(patience):
		c.t.Errorf("the daemon did not end within %s", patience)
		c.cmd.Process.Kill()
		<-c.ended
	}
}

// metrics is what the last daemon shows.
func (c *chaos) metrics() string {
	b, err := os.ReadFile(c.log.Name())
	if err != nil {
		c.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b[strings.LastIndex(string(b), "msg=listening"):]), "address=")
	addr, _, _ := strings.Cut(after, "\n")
	resp, err := http.Get("http://" + strings.TrimSpace(addr) + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(page), "wirewatch_deliveries") {
		c.t.Errorf("the metrics page: %v: %.200s", err, page)
	}
	return string(page)
}

// counters that several goroutines look at.
type counters struct {
	off    atomic.Int64 // by how much the clock is off, in nanoseconds
	killed atomic.Int64
	failed atomic.Int64 // attempts to raise an alert that the store refused
	calm   atomic.Bool
}

func seeded(seed uint64, part uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, part)) }
