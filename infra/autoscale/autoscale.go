// Package autoscale keeps the shared Aurora cluster as large as the platform needs and no larger: it watches the load,
// knows the exam calendar, shrinks the cluster for the night and restores it in the morning. What to do is decided by
// pure functions (Decide, Night, Morning); aws.go reads and acts, store.go holds the lock, the memory and the audit log.
//
// The unit of capacity and load is a vCPU of the database: 0.6 means that 60 % of one processor is busy.
package autoscale

import "time"

// Serverless is the instance class of Aurora Serverless v2.
const Serverless = "db.serverless"

// burstableClass is what the names of burstable instance classes begin with; burstableSpeed is the work of one of their vCPU, that
// of one of db.r8g being 1. AWS says of each generation of Graviton what it does beside the one before: the third 25 % more than
// the second, the fourth up to 30 % more than the third.
const (
	burstableClass = "db.t"
	burstableSpeed = 0.6
)

// VCPUPerACU is what one Aurora capacity unit (2 GiB) is taken to do: memory-optimised instances have 8 GiB a vCPU.
const VCPUPerACU = 0.25

// A Rung is one size that the cluster may have. The rungs of an installation form a ladder from its floor to its ceiling.
type Rung struct {
	Name    string  `json:"name"`
	Class   string  `json:"class"`             // of every instance: Serverless, or a provisioned class such as db.r8g.large
	Readers int     `json:"readers"`           // beside the writer; 0 to 15
	MinACU  float64 `json:"min_acu,omitempty"` // Serverless v2 range of each instance, steps of 0.5; 0 for provisioned classes
	MaxACU  float64 `json:"max_acu,omitempty"`
	VCPU    float64 `json:"vcpu"` // of one instance, ready at once: MinACU x VCPUPerACU, or the class's own

	// Baseline is the share of VCPU that a burstable class (db.t4g) may use for ever, above 0 and below 1; more takes CPU
	// credits, which it saves while it uses less. 0 for every other class.
	Baseline float64 `json:"baseline,omitempty"`
}

// Settings are an installation's choice; Check names everything that is wrong with them.
type Settings struct {
	Rungs        []Rung             `json:"rungs"`          // smallest first; the first is the night's floor, the last the ceiling
	DayFloor     int                `json:"day_floor"`      // index of the rung below which the cluster never is by day
	TargetUse    float64            `json:"target_use"`     // share of a rung's capacity that the expected load may take, e.g. 0.55
	HighUse      float64            `json:"high_use"`       // share at which more is added at once, e.g. 0.75
	Reserve      float64            `json:"reserve"`        // vCPU kept free by day for a load that nobody announced
	CreditsLeft  float64            `json:"credits_left"`   // CPU credits (vCPU-minutes) below which a burstable instance counts with its baseline alone, 0 to 1000
	Connections  float64            `json:"connections"`    // limit of an instance, 10 to 5000: max_connections of infra/aws/templates/data.yaml
	ReadShare    float64            `json:"read_share"`     // of the load that readers can take, 0 to 1, e.g. 0.6
	LeadTime     time.Duration      `json:"lead_time"`      // how long before a known event its capacity must be there, e.g. 30 min
	UpCoolDown   time.Duration      `json:"up_cool_down"`   // between an action and the next enlarging one, e.g. 3 min
	DownCoolDown time.Duration      `json:"down_cool_down"` // between any action and a shrinking one, e.g. 30 min
	Stale        time.Duration      `json:"stale"`          // an older reading counts as missing, e.g. 5 min
	Nights       []NightHours       `json:"nights"`         // one per time zone of the tenants
	PerLearner   map[string]float64 `json:"per_learner"`    // vCPU that a learner costs at the peak of an event, by kind, before anything is learned
}

// NightHours are a zone's night in its local time, e.g. 23:00 to 05:30.
type NightHours struct {
	Zone  string `json:"zone"`  // IANA name
	From  string `json:"from"`  // HH:MM
	Until string `json:"until"` // HH:MM
}

// A Reading is one metric's newest value; the zero At says that there is none.
type Reading struct {
	Value float64
	At    time.Time
}

// An Instance is a member of the cluster as the RDS API describes it.
type Instance struct {
	ID, Class, Status string // Status as RDS says: available, modifying, creating, deleting ...
	Writer            bool
	Created           time.Time
}

// Observed is what the watch sees of the cluster and its load.
type Observed struct {
	Cluster        string // its id; readers that the autoscaler adds are <id>-reader-<n>
	Status         string // of the cluster
	Instances      []Instance
	MinACU, MaxACU float64
	WriterCPU      Reading // share of the writer's capacity in use, 0 to 1 (for Serverless: of its present ACU)
	ReaderCPU      Reading // the busiest reader's
	ACU            Reading // present ACU of the writer; Serverless alone
	ReaderACU      Reading // and of the busiest reader; the writer's is taken for it when there is none
	Connections    Reading // share of the cluster's connection limit, 0 to 1
	Borrow         Reading // proxy: seconds that borrowing a connection took, average of the last minute
	Queue          Reading // transactions waiting in the API
	ReplicaLag     Reading // seconds, of the slowest reader
	Credits        Reading // CPU credits of the burstable instance that has the fewest, vCPU-minutes; below 0 when it lives on borrowed ones
}

// An Event is a known load to come, from control.capacity_forecast.
type Event struct {
	Tenant, Kind string // Kind: exam, live, import
	ID           string
	Start, End   time.Time
	Learners     int
}

// Memory is what one decision leaves for the next; the store keeps it under the lock.
type Memory struct {
	LastAction time.Time            `json:"last_action"`
	LastUp     time.Time            `json:"last_up"`
	Night      map[string]time.Time `json:"night"` // zone -> until when the night function has let it sleep
	Hold       Hold                 `json:"hold"`
	PerLearner map[string]float64   `json:"per_learner"`       // learned: vCPU a learner cost at the peak, by kind (EWMA)
	Profile    [168]float64         `json:"profile"`           // learned: peak load by hour of the week (UTC), vCPU (EWMA)
	Running    map[string]float64   `json:"running"`           // event id -> highest load seen while it runs, above the profile
	Trend      float64              `json:"trend"`             // the load, smoothed over some minutes
	QuietSince time.Time            `json:"quiet_since"`       // since when a smaller rung would have done
	QuietRung  int                  `json:"quiet_rung"`        // and which
	Pending    *Action              `json:"pending,omitempty"` // an action begun whose end has not been seen
	Measured   time.Time            `json:"measured"`          // of the newest reading that was learned from
}

// A Hold is an operator's word that nothing may be changed until a time.
type Hold struct {
	Until  time.Time `json:"until"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Kinds of action, those that hurt least first.
const (
	SetRange     = "set_range"     // Serverless v2 range: nobody notices
	AddReader    = "add_reader"    // nobody notices
	RemoveReader = "remove_reader" // its reads move to the others
	ResizeReader = "resize_reader" // that reader is away while it restarts
	FailOver     = "fail_over"     // writes wait some seconds in the proxy
)

// An Action is one call to the RDS API. The zero Action is none.
type Action struct {
	Kind     string    `json:"kind"`
	Instance string    `json:"instance,omitempty"`
	Class    string    `json:"class,omitempty"`
	MinACU   float64   `json:"min_acu,omitempty"`
	MaxACU   float64   `json:"max_acu,omitempty"`
	Begun    time.Time `json:"begun"`
}

// Input is all that a decision knows.
type Input struct {
	Now        time.Time
	Observed   Observed
	Events     []Event // nil with ForecastAt zero: the forecast could not be read
	ForecastAt time.Time
	Memory     Memory
	Settings   Settings
}

// A Decision says what to do and why; every one is written to the audit log.
type Decision struct {
	At      time.Time `json:"at"`
	Load    float64   `json:"load"`   // now, vCPU
	Need    float64   `json:"need"`   // capacity wanted, vCPU
	Rung    int       `json:"rung"`   // index of the target
	Now     int       `json:"now"`    // index of the rung that the cluster has, -1 when it is between two
	Action  Action    `json:"action"` // one step towards the target, or none
	Reasons []string  `json:"reasons"`
	Memory  Memory    `json:"-"`
}
