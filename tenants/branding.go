package tenants

import (
	"context"
	"encoding/json"
	"time"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants/audit"
)

// Branding is what a tenant decides for itself: its looks, which gave it its name, and all else. It is stored as one document, and whatever shows, asks,
// checks or changes a setting goes by this struct: types and tags are its bounds (Field), and its words are in the message file setting.yaml.
//
// A field that is added here is one that no document has yet, so undecided says how it is until somebody decides. In the API it is optional
// (required:"false"): who does not know it leaves it as it is. It is not left out where it is empty, since it would come back as undecided says.
type Branding struct {
	Name              string           `json:"name" section:"looks" minLength:"1" maxLength:"120" doc:"The name that people see"`
	Colour            string           `json:"colour" section:"looks" pattern:"^#[0-9a-fA-F]{6}$" doc:"Main colour of the pages, #rrggbb"`
	Accent            string           `json:"accent" section:"looks" pattern:"^#[0-9a-fA-F]{6}$" doc:"Second colour, #rrggbb"`
	StaffSecondFactor bool             `json:"staff_second_factor" section:"signing_in" doc:"Staff must sign in with a second factor"`
	LeaderboardBy     string           `json:"leaderboard_by,omitempty" section:"leaderboard" enum:"learner,guardian" doc:"Who decides that a learner is on leaderboards; without it, nothing changes. A change takes everybody off the leaderboards first"`
	Languages         []words.Language `json:"languages" section:"languages" required:"false" enum:"en,en-XA" doc:"The languages of the pages, as tags of BCP 47. Those who chose none, and whose browser asks for none of them, get the first. en-XA is English with marks, for finding words that are not translated"`
	Version           string           `json:"version,omitempty" maxLength:"64" doc:"The version of these settings. With a change, send the version that you read: the answer is 409 when somebody else has changed them since"`
}

// undecided is how each setting is for a tenant whose document lacks it.
func undecided() Branding {
	return Branding{LeaderboardBy: "learner", Languages: []words.Language{words.English}}
}

// FirstBranding is the document of a tenant that begins, within the bounds that hold for what it changes itself; else domain.Invalid.
func FirstBranding(name, colour, accent string) (document string, err error) {
	b := undecided()
	b.Name, b.Colour, b.Accent = name, colour, accent
	if err := checkFields(BrandingFields, &b); err != nil {
		return "", err
	}
	return b.over("{}")
}

// brandingRow is the one row of the table.
type brandingRow struct {
	Document  string
	ChangedAt time.Time `gorm:"column:updated_at"`
}

// TableName is GORM's.
func (brandingRow) TableName() string { return "branding" }

// brandingOf reads a document as it is stored.
func brandingOf(document string) (Branding, error) {
	b := undecided()
	err := json.Unmarshal([]byte(document), &b)
	b.Version = ""
	b.Version = domain.Version(b)
	return b, err
}

// over returns the document to store in another's place. What that has and this program does not know stays: a newer program may serve beside
// it, or have served before.
func (b Branding) over(document string) (string, error) {
	b.Version = ""
	own, err := json.Marshal(b)
	if err != nil {
		return "", err
	}
	all := map[string]json.RawMessage{}
	for _, raw := range []string{document, string(own)} {
		if err := json.Unmarshal([]byte(raw), &all); err != nil {
			return "", err
		}
	}
	merged, err := json.Marshal(all)
	return string(merged), err
}

// PlatformBranding is how the platform's own pages and letters look.
var PlatformBranding = Branding{Name: "Lignum", Colour: "#1f2937", Accent: "#f59e0b", StaffSecondFactor: true}

// ReadBranding returns what a tenant decided, with its Version; of the platform, PlatformBranding.
func ReadBranding(ctx context.Context, q Querier) (Branding, error) {
	if q.Realm().IsPlatform() {
		return PlatformBranding, nil
	}
	row, err := Entity[brandingRow](q).Take(ctx)
	if err != nil {
		return Branding{}, err
	}
	return brandingOf(row.Document)
}

// EditBranding lets edit change what a tenant decided, and gives what it was and what it is then. Every process goes by it within seconds. It gives
// the error of edit, domain.Invalid for what is out of bounds, or domain.Conflict when somebody else changed it after the version that was seen.
func EditBranding(ctx context.Context, tx *Tx, seen string, edit func(b *Branding) error, now time.Time) (was, is Branding, err error) {
	held, err := Entity[brandingRow](tx, Held).Take(ctx)
	if err != nil {
		return was, is, err
	}
	if was, err = brandingOf(held.Document); err != nil {
		return was, is, err
	}
	version := was.Version
	was.Version = ""
	is = was
	if err := edit(&is); err != nil {
		return was, is, err
	}
	is.Version = ""
	if err := checkFields(BrandingFields, &is); err != nil {
		return was, is, err
	}
	if err := domain.CheckVersion(seen, version); err != nil {
		return was, is, err
	}
	document, err := is.over(held.Document)
	if err != nil {
		return was, is, err
	}
	if _, err := Entity[brandingRow](tx).Where("id").Select("*").Updates(ctx, brandingRow{document, now.UTC()}); err != nil {
		return was, is, err
	}
	tx.Record(audit.Entry{Action: "tenant.change", ObjectKind: "tenant", ObjectID: "branding", Before: was, After: is})
	tx.Bump("settings")
	return was, is, nil
}
