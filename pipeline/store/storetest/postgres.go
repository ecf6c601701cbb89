package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that makes and drops the databases of tests

	"wirewatch/pipeline/store"
)

// NeedPostgres is the environment variable that, set to 1, turns the absence of PostgreSQL from a reason to skip into a
// failure.
const NeedPostgres = "WIREWATCH_NEED_POSTGRES"

// ErrNoPostgres says that no PostgreSQL server is installed.
var ErrNoPostgres = errors.New("no PostgreSQL here: neither on PATH nor in /usr/lib/postgresql/*/bin are initdb and postgres")

// A Postgres is a private PostgreSQL server for tests. It listens on a Unix socket in a folder of its own and on no network
// port, so that tests of several packages run side by side. Its data does not outlive it, and it does not outlive the test
// process, however that ends.
type Postgres struct {
	dir   string
	hold  io.Closer // the server runs until this closes
	cmd   *exec.Cmd
	admin *sql.DB
	count atomic.Int64

	schema    sync.Once
	schemaErr error
}

// StartPostgres starts a server. Stop ends it.
func StartPostgres() (*Postgres, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(scratch(), "wwpg")
	if err != nil {
		return nil, err
	}
	p := &Postgres{dir: dir}
	if err := p.start(bin); err != nil {
		p.Stop()
		return nil, fmt.Errorf("start a private PostgreSQL with %s: %w", bin, err)
	}
	return p, nil
}

// scratch is the folder for servers: in memory where there is room, since databases that come and go with each test keep a disk busier
// than all else they do. A socket's path may have about 100 bytes, which a test's own temporary folder easily exceeds.
func scratch() string {
	const memory, room = "/dev/shm", 2 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && uint64(fs.Bavail)*uint64(fs.Bsize) >= room {
		return memory
	}
	return "/tmp"
}

func postgresBin() (string, error) {
	var dirs []string
	if at, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.Reverse(found)
	for _, dir := range append(dirs, found...) {
		_, err1 := os.Stat(filepath.Join(dir, "postgres"))
		_, err2 := os.Stat(filepath.Join(dir, "initdb"))
		if err1 == nil && err2 == nil {
			return dir, nil
		}
	}
	return "", ErrNoPostgres
}

// guard runs the server until its standard input closes, which happens at the latest when the test process ends. A signal to the whole
// group, as of Ctrl-C, ends it too, and leaves no folder behind.
const guard = `dir=$1; shift
trap : INT TERM
"$@" </dev/null >"$dir/log" 2>&1 &
pid=$!
read -r _ || :
kill -INT $pid 2>/dev/null
wait $pid
rm -rf "$dir"`

func (p *Postgres) start(bin string) error {
	var as *syscall.SysProcAttr
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		const nobody = 65534
		as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := os.Chown(p.dir, nobody, nobody); err != nil {
			return err
		}
	}
	data := filepath.Join(p.dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = as, p.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	p.cmd = exec.Command("/bin/sh", "-c", guard, "guard", p.dir, filepath.Join(bin, "postgres"), "-D", data, "-k", p.dir, "-c", "listen_addresses=",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200", "-c", "shared_buffers=32MB",
		"-c", "max_wal_size=128MB", "-c", "min_wal_size=32MB") // of a GiB that it would keep
	p.cmd.SysProcAttr, p.cmd.Dir = as, p.dir
	hold, err := p.cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.hold = hold
	if p.admin, err = sql.Open("pgx", p.dsn("postgres")); err != nil {
		return err
	}
	p.admin.SetMaxOpenConns(2)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = p.admin.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
			return fmt.Errorf("it does not answer: %w: %s", err, bytes.TrimSpace(log))
		}
	}
}

func (p *Postgres) dsn(db string) string {
	return "postgres://postgres@/" + db + "?" + url.Values{"host": {p.dir}, "sslmode": {"disable"}}.Encode()
}

// Database makes an empty database and gives its URL. It is dropped when the test ends.
func (p *Postgres) Database(t testing.TB) string { t.Helper(); return p.database(t, "template0") }

// Migrated makes a database with the store's tables, empty: to make those anew for each test takes longer than most tests do.
func (p *Postgres) Migrated(t testing.TB) string {
	t.Helper()
	const template = "migrated"
	p.schema.Do(func() {
		if _, p.schemaErr = p.admin.Exec(`CREATE DATABASE ` + template + ` TEMPLATE template0`); p.schemaErr != nil {
			return
		}
		var s *store.Store
		if s, p.schemaErr = store.Open(context.Background(), p.dsn(template), store.Options{}); p.schemaErr == nil {
			p.schemaErr = s.Close() // a database in use is no template
		}
	})
	if p.schemaErr != nil {
		t.Fatalf("make a database with tables: %v", p.schemaErr)
	}
	return p.database(t, template)
}

func (p *Postgres) database(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("t%d", p.count.Add(1))
	if _, err := p.admin.Exec(`CREATE DATABASE ` + name + ` TEMPLATE ` + template); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := p.admin.Exec(`DROP DATABASE ` + name + ` WITH (FORCE)`); err != nil {
			t.Errorf("drop the database: %v", err)
		}
	})
	return p.dsn(name)
}

// Stop ends the server and removes its folder.
func (p *Postgres) Stop() error {
	var errs []error
	if p.admin != nil {
		errs = append(errs, p.admin.Close())
	}
	if p.hold != nil {
		errs = append(errs, p.hold.Close(), p.cmd.Wait())
	}
	errs = append(errs, os.RemoveAll(p.dir))
	return errors.Join(errs...)
}

// A Lazy starts a private server when the first test asks for it. Its zero value is ready; TestMain must call Stop.
type Lazy struct {
	once sync.Once
	p    *Postgres
	err  error
}

// Database gives the URL of an empty database, or skips the test where no PostgreSQL is installed (fails it, where the environment
// says that it is needed).
func (l *Lazy) Database(t testing.TB) string { t.Helper(); return l.started(t).Database(t) }

// Migrated is Database with the store's tables in it.
func (l *Lazy) Migrated(t testing.TB) string { t.Helper(); return l.started(t).Migrated(t) }

func (l *Lazy) started(t testing.TB) *Postgres {
	t.Helper()
	l.once.Do(func() { l.p, l.err = StartPostgres() })
	if errors.Is(l.err, ErrNoPostgres) && strings.TrimSpace(os.Getenv(NeedPostgres)) != "1" {
		t.Skip(l.err)
	}
	if l.err != nil {
		t.Fatal(l.err)
	}
	return l.p
}

// Stop ends the server, if it was started.
func (l *Lazy) Stop() error {
	if l.p == nil {
		return nil
	}
	return l.p.Stop()
}
