package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"lignum/infra/autoscale"
)

// config is what the template tells a function. Each field names its variable.
type config struct {
	Function     string `env:"LIGNUM_AUTOSCALE,required,notEmpty"`          // watch, night or morning
	Table        string `env:"LIGNUM_AUTOSCALE_TABLE,required,notEmpty"`    // DynamoDB
	Cluster      string `env:"LIGNUM_AUTOSCALE_CLUSTER,required,notEmpty"`  // Aurora cluster's identifier
	Proxy        string `env:"LIGNUM_AUTOSCALE_PROXY,required,notEmpty"`    // RDS Proxy's name
	Size         string `env:"LIGNUM_AUTOSCALE_SIZE"`                       // small, country or region: default settings
	Settings     string `env:"LIGNUM_AUTOSCALE_SETTINGS"`                   // JSON; replaces those that it names
	Database     string `env:"LIGNUM_AUTOSCALE_DATABASE,required,notEmpty"` // host:port of the proxy, where the forecast is read
	Writer       string `env:"LIGNUM_AUTOSCALE_WRITER,required,notEmpty"`   // host:port of its writer, where the serving processes are told of the size
	DatabaseName string `env:"LIGNUM_AUTOSCALE_DATABASE_NAME" envDefault:"lignum"`
	DatabaseUser string `env:"LIGNUM_AUTOSCALE_DATABASE_USER,required,notEmpty"` // role that may do both
	DryRun       bool   `env:"LIGNUM_AUTOSCALE_DRY_RUN"`                         // decide and write, change nothing

	settings autoscale.Settings
}

// load reads the environment. The error lists everything that is missing or wrong, each with its variable.
func load() (*config, error) {
	c := &config{}
	var wrong []string
	if err := env.Parse(c); err != nil {
		var all env.AggregateError
		if !errors.As(err, &all) {
			return nil, err
		}
		for _, e := range all.Errors {
			wrong = append(wrong, e.Error())
		}
	}
	if c.Function != "" && c.Function != "watch" && c.Function != "night" && c.Function != "morning" {
		wrong = append(wrong, "LIGNUM_AUTOSCALE must be watch, night or morning")
	}
	for name, hostport := range map[string]string{"LIGNUM_AUTOSCALE_DATABASE": c.Database, "LIGNUM_AUTOSCALE_WRITER": c.Writer} {
		if _, _, err := net.SplitHostPort(hostport); hostport != "" && err != nil {
			wrong = append(wrong, name+" must be host:port")
		}
	}
	var err error
	if c.settings, err = settings(c.Size, c.Settings); err != nil {
		wrong = append(wrong, err.Error())
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("the configuration is not complete:\n  - %s", strings.Join(wrong, "\n  - "))
	}
	return c, nil
}

// settings are the defaults of a size, if one is given, with what the JSON text names in their place. Times are written as
// in "30m".
func settings(size, text string) (autoscale.Settings, error) {
	var s autoscale.Settings
	if size == "" && text == "" {
		return s, errors.New("LIGNUM_AUTOSCALE_SIZE or LIGNUM_AUTOSCALE_SETTINGS is needed")
	}
	if size != "" {
		var err error
		if s, err = autoscale.DefaultSettings(size); err != nil {
			return s, fmt.Errorf("LIGNUM_AUTOSCALE_SIZE: %w", err)
		}
	}
	if text != "" {
		w := written{Settings: s, LeadTime: duration(s.LeadTime), UpCoolDown: duration(s.UpCoolDown),
			DownCoolDown: duration(s.DownCoolDown), Stale: duration(s.Stale)}
		w.Rungs, w.Nights = nil, nil // lists are replaced as a whole: what an element leaves out is not taken from a default
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&w); err != nil {
			return s, fmt.Errorf("LIGNUM_AUTOSCALE_SETTINGS: %w", err)
		}
		if w.Rungs == nil {
			w.Rungs = s.Rungs
		}
		if w.Nights == nil {
			w.Nights = s.Nights
		}
		s = w.Settings
		s.LeadTime, s.UpCoolDown = time.Duration(w.LeadTime), time.Duration(w.UpCoolDown)
		s.DownCoolDown, s.Stale = time.Duration(w.DownCoolDown), time.Duration(w.Stale)
	}
	if err := s.Check(); err != nil {
		return s, fmt.Errorf("LIGNUM_AUTOSCALE_SETTINGS: %w", err)
	}
	return s, nil
}

// written are Settings as people write them: the times, which hide those of the embedded type, as text.
type written struct {
	autoscale.Settings
	LeadTime     duration `json:"lead_time"`
	UpCoolDown   duration `json:"up_cool_down"`
	DownCoolDown duration `json:"down_cool_down"`
	Stale        duration `json:"stale"`
}

type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}
