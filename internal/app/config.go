package app

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"onegrid/internal/kit/fault"
)

// ErrConfig says that a setting is unknown or its value can't be read.
var ErrConfig = fault.New(fault.Invalid, "config.bad")

// Config holds the settings of one installation that belong to the machine, not
// to the office: what an office may change (calendars, items, limits) stands in
// the database. Tags are the manual: `onegrid config` prints them.
//
// A value comes from, strongest first: a flag, the environment (ONEGRID_ and the
// name in capitals, - as _), the file onegrid.conf in the data folder, the default.
type Config struct {
	Addr            string        `name:"addr" default:"127.0.0.1:8080" help:"address and port to listen on"`
	PublicURL       string        `name:"public-url" default:"" help:"address that people type, for links in messages; empty: made from the request"`
	PasskeyDomain   string        `name:"passkey-domain" default:"" help:"domain that passkeys are bound to, when it is a parent of the public address; empty: the host of public-url"`
	Database        string        `name:"database" default:"" help:"postgres://… for PostgreSQL; empty: SQLite in the data folder" secret:"true"`
	Writers         int           `name:"writers" default:"2" help:"writers on PostgreSQL, 1 to 4; SQLite always has one"`
	TimeZone        string        `name:"time-zone" default:"Asia/Shanghai" help:"time zone of the district"`
	TLSCert         string        `name:"tls-cert" default:"" help:"certificate file (PEM); empty: plain HTTP behind a proxy of your own"`
	TLSKey          string        `name:"tls-key" default:"" help:"private key file (PEM) of the certificate"`
	TrustedProxy    string        `name:"trusted-proxy" default:"" help:"address prefixes (CIDR, comma separated) of proxies whose X-Forwarded-For is believed"`
	LogLevel        string        `name:"log-level" default:"info" choices:"debug,info,warn,error" help:"debug, info, warn or error"`
	LogFormat       string        `name:"log-format" default:"text" choices:"text,json" help:"text or json"`
	Metrics         string        `name:"metrics" default:"loopback" choices:"loopback,everyone,off" help:"who may read /metrics: loopback, everyone or off"`
	Profile         string        `name:"profile" default:"off" choices:"loopback,off" help:"CPU and memory profiles of the program under /debug/pprof/: loopback or off"`
	TraceTo         string        `name:"trace-to" default:"" help:"collector of OpenTelemetry traces (OTLP over HTTP), such as http://127.0.0.1:4318/v1/traces; empty: none"`
	TracePercent    int           `name:"trace-percent" default:"5" help:"how many of a hundred requests are traced"`
	OIDCFile        string        `name:"oidc-file" default:"" help:"file (JSON) that lists identity providers of departments for signing in (OpenID Connect), in the data folder unless absolute; empty: none"`
	SessionIdle     time.Duration `name:"session-idle" default:"30m" help:"a session ends after this long without a request"`
	SessionMax      time.Duration `name:"session-max" default:"12h" help:"a session ends after this long in any case"`
	QuarantineMB    int           `name:"quarantine-mb" default:"2048" help:"disk that photos of public reports may fill before somebody looked at them, in MiB"`
	S3Endpoint      string        `name:"s3-endpoint" default:"" help:"host:port of an S3 service that keeps photos and papers; empty: the folder files in the data folder"`
	S3Bucket        string        `name:"s3-bucket" default:"" help:"bucket there; it must exist"`
	S3Prefix        string        `name:"s3-prefix" default:"" help:"put before the names of all files, where others use the bucket too"`
	S3Region        string        `name:"s3-region" default:"us-east-1" help:"region of the bucket; most services of one's own take any"`
	S3Key           string        `name:"s3-key" default:"" help:"access key at the S3 service"`
	S3Secret        string        `name:"s3-secret" default:"" help:"its secret" secret:"true"`
	S3SecretFile    string        `name:"s3-secret-file" default:"" help:"file that holds the secret, in place of s3-secret"`
	S3PathStyle     string        `name:"s3-path-style" default:"on" choices:"on,off" help:"bucket in the path (on: MinIO, Ceph and most of one's own) or in the host name (off: most rented ones)"`
	S3TLS           string        `name:"s3-tls" default:"on" choices:"on,off" help:"encrypt the line to the S3 service: on, or off on a line of your own"`
	S3CA            string        `name:"s3-ca" default:"" help:"certificates (PEM) that the S3 service is known by, beside the machine's"`
	S3Timeout       time.Duration `name:"s3-timeout" default:"30s" help:"how long one answer of the S3 service may take"`
	MaxRequests     int           `name:"max-requests" default:"256" help:"requests worked on at once; more are answered with 503 and Retry-After"`
	MemoryMB        int           `name:"memory-mb" default:"0" help:"memory the program may use, in MiB; near it, requests are answered with 503 and Retry-After. 0: three quarters of what the machine or its control group has"`
	StopTimeout     time.Duration `name:"stop-timeout" default:"20s" help:"how long a stop waits for requests under way"`
	FiguresEvery    time.Duration `name:"figures-every" default:"2s" help:"how often the journal is folded into figures"`
	OpenData        string        `name:"open-data" default:"off" choices:"on,off" help:"publish counts of reports by item, street and month as open data: on or off"`
	OpenDataLeast   int           `name:"open-data-least" default:"5" help:"the smallest count that open data shows; smaller ones are held back"`
	OpenDataLicence string        `name:"open-data-licence" default:"" help:"licence that open data is given under, a name or an address"`
	SweepEvery      time.Duration `name:"sweep-every" default:"1s" help:"how often deadlines are looked at"`
	Archive         string        `name:"archive" default:"" help:"folder, best on another disk, that every change of the SQLite database is kept in, to restore any moment; empty: none"`
	ArchiveKeep     time.Duration `name:"archive-keep" default:"168h" help:"how far back the archive reaches"`
	DiskWarn        int           `name:"disk-warn" default:"15" help:"a warning when less than so many percent of the disk of the data folder are free"`
	DiskLeast       int           `name:"disk-least" default:"256" help:"nothing is written any more (503) when less than so many MiB of that disk are free"`
	CheckpointAge   time.Duration `name:"checkpoint-every" default:"1m" help:"how often the journal is signed"`
	NoticeEvery     time.Duration `name:"notice-every" default:"1s" help:"how often the journal is followed for messages to staff and residents"`
	Push            string        `name:"push" default:"on" choices:"on,off" help:"messages to browsers (Web Push): on or off"`
	PushContact     string        `name:"push-contact" default:"" help:"where push services may complain: an https: or mail address; empty: public-url"`
	PushHosts       string        `name:"push-hosts" default:"fcm.googleapis.com,*.push.apple.com,*.notify.windows.com,updates.push.services.mozilla.com,*.push.services.mozilla.com" help:"push services that browsers may name, comma separated; *.name for all below"`
	SMTPHost        string        `name:"smtp-host" default:"" help:"mail server; empty: no mail is sent"`
	SMTPPort        int           `name:"smtp-port" default:"587" help:"its port: 587 with starttls, 465 with tls"`
	SMTPTLS         string        `name:"smtp-tls" default:"starttls" choices:"starttls,tls,off" help:"how mail is encrypted: starttls, tls from the first byte, or off on a line of your own"`
	SMTPUser        string        `name:"smtp-user" default:"" help:"user at the mail server; empty: none is needed"`
	SMTPPassword    string        `name:"smtp-password" default:"" help:"password at the mail server" secret:"true"`
	MailFrom        string        `name:"mail-from" default:"onegrid@localhost" help:"address that mail comes from"`
	SMSAddress      string        `name:"sms-address" default:"" help:"host:port of the message centre (SMPP 3.4); empty: no text messages are sent"`
	SMSSystem       string        `name:"sms-system-id" default:"" help:"user at the message centre"`
	SMSPassword     string        `name:"sms-password" default:"" help:"password at the message centre, at most 8 characters" secret:"true"`
	SMSType         string        `name:"sms-system-type" default:"" help:"system type that the centre asks for, mostly none"`
	SMSSender       string        `name:"sms-sender" default:"" help:"number or name that telephones show"`
	SMSCountry      string        `name:"sms-country" default:"86" help:"put before national numbers; empty: numbers go out as they are"`
	SMSWindow       int           `name:"sms-window" default:"10" help:"text messages under way at once"`

	// Dir is the data folder; it comes from --dir alone.
	Dir     string `name:"-"`
	origins map[string]string
}

// Setting is one line of `onegrid config`.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"` // "default", "file", "environment", "flag"
	Help   string `json:"meaning"`
}

// ConfigFile is the one file that may hold settings, in the data folder: lines
// of `name = value`, # begins a comment.
const ConfigFile = "onegrid.conf"

// LoadConfig reads the settings for a data folder. flags holds those given on
// the command line, by name; environ is os.Environ() or a test's own.
func LoadConfig(dir string, flags map[string]string, environ []string) (Config, error) {
	c := Config{Dir: dir, origins: map[string]string{}}
	byName := map[string]settingField{}
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := field.Tag.Get("name")
		if name == "" || name == "-" {
			continue
		}
		byName[name] = settingField{v.Field(i), field.Tag.Get("choices")}
		if err := c.set(byName, name, field.Tag.Get("default"), "default"); err != nil {
			return c, err
		}
	}
	file, err := readConfigFile(filepath.Join(dir, ConfigFile))
	if err != nil {
		return c, err
	}
	for _, line := range file {
		if err := c.set(byName, line.name, line.value, "file"); err != nil {
			return c, fmt.Errorf("%s line %d: %w", ConfigFile, line.number, err)
		}
	}
	for _, pair := range environ {
		key, value, _ := strings.Cut(pair, "=")
		if name, ours := strings.CutPrefix(key, "ONEGRID_"); ours {
			name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
			if _, known := byName[name]; !known {
				continue // ONEGRID_PROOF and the like belong to the tests
			}
			if err := c.set(byName, name, value, "environment"); err != nil {
				return c, err
			}
		}
	}
	for name, value := range flags {
		if err := c.set(byName, name, value, "flag"); err != nil {
			return c, err
		}
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return c, ErrConfig.With("name", "time-zone", "value", c.TimeZone).Because(err)
	}
	return c, nil
}

// settingField is where a setting is kept, and what it may be when that is a
// list.
type settingField struct {
	value   reflect.Value
	choices string // comma separated; empty: anything
}

func (c *Config) set(byName map[string]settingField, name, value, origin string) error {
	field, known := byName[name]
	if !known {
		return ErrConfig.With("name", name, "value", value, "origin", origin)
	}
	bad := func(err error) error {
		return ErrConfig.With("name", name, "value", value, "origin", origin).Because(err)
	}
	if field.choices != "" && !slices.Contains(strings.Split(field.choices, ","), value) {
		return bad(fmt.Errorf("one of %s", strings.ReplaceAll(field.choices, ",", ", ")))
	}
	switch field.value.Interface().(type) {
	case string:
		field.value.SetString(value)
	case int:
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return bad(err)
		}
		field.value.SetInt(int64(n))
	case time.Duration:
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return bad(err)
		}
		field.value.SetInt(int64(d))
	default:
		return fmt.Errorf("setting %s has type %s, which nobody reads", name, field.value.Type())
	}
	c.origins[name] = origin
	return nil
}

// Settings lists every setting with its meaning and where its value came from;
// secrets are masked.
func (c Config) Settings() []Setting {
	var list []Setting
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := field.Tag.Get("name")
		if name == "" || name == "-" {
			continue
		}
		value := fmt.Sprint(v.Field(i).Interface())
		if field.Tag.Get("secret") != "" && value != "" {
			value = "(set, not shown)"
		}
		list = append(list, Setting{Name: name, Value: value, Origin: c.origins[name], Help: field.Tag.Get("help")})
	}
	return list
}

// DSN is what kit/db opens.
func (c Config) DSN() string {
	if c.Database != "" {
		return c.Database
	}
	return "sqlite:" + filepath.Join(c.Dir, "onegrid.db")
}

type configLine struct {
	number      int
	name, value string
}

func readConfigFile(path string) ([]configLine, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	defer f.Close()
	var lines []configLine
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		text := strings.TrimSpace(s.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("%s line %d: %w", ConfigFile, n, ErrConfig.With("name", text, "value", "", "origin", "file"))
		}
		lines = append(lines, configLine{n, strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return lines, s.Err()
}
