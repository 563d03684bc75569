package simulate

import (
	"errors"
	"fmt"
	"io"
)

// Prices are what an hour of capacity costs. Storage, I/O and backup are left out: they are the same for all four strategies,
// because the data and the requests are the same. Burstable classes (db.t4g) are left out: AWS recommends them for
// development and tests alone, since their credits end when a long load needs them.
type Prices struct {
	Source  string  `json:"source"`
	ACU     float64 `json:"acu_usd_hour"` // Serverless v2, one Aurora capacity unit
	Classes []Class `json:"classes"`      // provisioned, smallest first
}

// Class is a provisioned instance class.
type Class struct {
	Name string  `json:"name"`
	VCPU float64 `json:"vcpu"`
	GiB  float64 `json:"gib"`
	Hour float64 `json:"usd_hour"`
}

// ListPrices are the list prices of Aurora PostgreSQL (Aurora Standard, on demand) in us-east-1 as the authors knew them in
// November 2026, not read from AWS by a program. Look them up at https://aws.amazon.com/rds/aurora/pricing/ before spending.
func ListPrices() Prices {
	return Prices{
		Source: "us-east-1, Aurora PostgreSQL Standard, on demand, list prices known to the authors in 2026-11",
		ACU:    0.12,
		Classes: []Class{
			{"db.r8g.large", 2, 16, 0.276}, {"db.r8g.xlarge", 4, 32, 0.553}, {"db.r8g.2xlarge", 8, 64, 1.106},
			{"db.r8g.4xlarge", 16, 128, 2.212}, {"db.r8g.8xlarge", 32, 256, 4.424}, {"db.r8g.12xlarge", 48, 384, 6.636},
			{"db.r8g.16xlarge", 64, 512, 8.848}, {"db.r8g.24xlarge", 96, 768, 13.272}, {"db.r8g.48xlarge", 192, 1536, 26.544},
		},
	}
}

// ReadPrices reads a whole table as JSON.
func ReadPrices(r io.Reader) (Prices, error) {
	var p Prices
	if err := strict(r, &p); err != nil {
		return Prices{}, fmt.Errorf("the prices: %w", err)
	}
	return p, p.Check()
}

// Check says everything that is wrong with a table.
func (p Prices) Check() error {
	var wrong []error
	if p.Source == "" {
		wrong = append(wrong, errors.New("prices: source is empty; say where and when the prices were read"))
	}
	if !(p.ACU > 0 && p.ACU < 1000) {
		wrong = append(wrong, fmt.Errorf("prices: acu_usd_hour is %g; it must be above 0 and below 1000", p.ACU))
	}
	if len(p.Classes) == 0 || len(p.Classes) > 100 {
		wrong = append(wrong, fmt.Errorf("prices: there are %d classes; there must be 1 to 100", len(p.Classes)))
	}
	last := 0.0
	for _, c := range p.Classes {
		if c.Name == "" || !(c.VCPU > last && c.VCPU <= 1024) || !(c.GiB > 0 && c.GiB <= 1<<16) || !(c.Hour > 0 && c.Hour < 1e4) {
			wrong = append(wrong, fmt.Errorf("prices: class %q needs a name, vcpu above the class before it, gib and usd_hour above 0", c.Name))
		}
		last = c.VCPU
	}
	return errors.Join(wrong...)
}
