package policy

import (
	"embed"
	"encoding/csv"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"lignum/domain"
)

//go:embed casbin
var casbinFiles embed.FS

// Rule is one Casbin rule as it is stored: p, role, realm, permission; or g, role, included role, realm.
type Rule struct{ PType, V0, V1, V2, V3, V4, V5 string }

// MaxRules bounds the rules of one realm.
const MaxRules = 2000

// maxDepth is how far Casbin follows one role including another; deeper links would silently give nothing.
const maxDepth = 10

var rolePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{1,62}$`)

// systemRoles are the roles that come with a realm. They can be widened and narrowed, but never so far that a person
// cannot sign out or change a password.
var systemRoles = map[RealmKind][]string{
	Tenant:   {"student", "guardian", "coach", "teacher", "ministry_official", "school_administrator", "tenant_administrator"},
	Platform: {"account_manager", "operator"},
}

// SystemRoles lists the roles that come with a realm of that kind, narrowest first.
func SystemRoles(kind RealmKind) []string { return slices.Clone(systemRoles[kind]) }

// AdministratorRole is the role of the first person in a new realm: it holds everything there.
func AdministratorRole(kind RealmKind) string {
	if kind == Platform {
		return "operator"
	}
	return "tenant_administrator"
}

var defaultRules = map[RealmKind][]Rule{
	Tenant:   mustParseDefaults("casbin/defaults_tenant.csv"),
	Platform: mustParseDefaults("casbin/defaults_platform.csv"),
}

// DefaultRules returns the rules that a new realm of that kind starts with; none for Either.
func DefaultRules(kind RealmKind, realm string) []Rule {
	rules := slices.Clone(defaultRules[kind])
	for i := range rules {
		if rules[i].PType == "p" {
			rules[i].V1 = realm
		} else {
			rules[i].V2 = realm
		}
	}
	return rules
}

// mustParseDefaults reads an embedded file, so a fault in it is a fault of the build.
func mustParseDefaults(name string) []Rule {
	f, err := casbinFiles.Open(name)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment, r.TrimLeadingSpace, r.FieldsPerRecord = '#', true, 3
	lines, err := r.ReadAll()
	if err != nil {
		panic(fmt.Errorf("policy: %s: %w", name, err))
	}
	rules := make([]Rule, len(lines))
	for i, l := range lines {
		if l[0] == "p" {
			rules[i] = Rule{PType: "p", V0: l[1], V2: l[2]}
		} else {
			rules[i] = Rule{PType: l[0], V0: l[1], V1: l[2]}
		}
	}
	return rules
}

// checkRules says everything that is wrong with the rules of a realm.
func checkRules(realm string, rules []Rule) error {
	var wrong domain.Problems
	if realm == "" {
		wrong.Add("realm", "domain.must_not_be_empty")
	}
	if len(rules) > MaxRules {
		wrong.Add("rules", "policy.there_are_a_realm_takes", "Rules", len(rules), "Most", MaxRules)
		return wrong.Err()
	}
	includes := map[string][]string{}
	for i, r := range rules {
		at := fmt.Sprintf("rules[%d]", i)
		if !rolePattern.MatchString(r.V0) {
			wrong.Add(at, "policy.is_no_role_name", "Role", fmt.Sprintf("%q", r.V0))
		}
		switch r.PType {
		case "p":
			checkPermission(&wrong, at, realm, r)
		case "g":
			if !rolePattern.MatchString(r.V1) {
				wrong.Add(at, "policy.is_no_role_name", "Role", fmt.Sprintf("%q", r.V1))
			}
			if r.V2 != realm {
				wrong.Add(at, "policy.belongs_to_realm_not_to", "Other", fmt.Sprintf("%q", r.V2), "Realm", realm)
			}
			includes[r.V0] = append(includes[r.V0], r.V1)
		default:
			wrong.Add(at, "policy.is_no_kind_of_rule", "Kind", fmt.Sprintf("%q", r.PType))
		}
		if r.V3 != "" || r.V4 != "" || r.V5 != "" {
			wrong.Add(at, "policy.has_more_columns_than_its")
		}
	}
	if len(wrong) == 0 {
		checkDepth(&wrong, includes)
	}
	return wrong.Err()
}

func checkPermission(wrong *domain.Problems, at, realm string, r Rule) {
	if r.V1 != realm {
		wrong.Add(at, "policy.belongs_to_realm_not_to", "Other", fmt.Sprintf("%q", r.V1), "Realm", realm)
	}
	p, known := Lookup(r.V2)
	if !known {
		wrong.Add(at, "policy.is_nothing_that_a_role_may", "Permission", fmt.Sprintf("%q", r.V2))
	} else if !p.In(KindOf(realm)) {
		wrong.Add(at, "policy.means_nothing_in_realm", "Permission", fmt.Sprintf("%q", r.V2), "Realm", realm)
	}
}

// checkDepth refuses roles that include themselves, and chains that Casbin would not follow to their end.
func checkDepth(wrong *domain.Problems, includes map[string][]string) {
	depth := map[string]int{} // -1 while on the path that is being walked
	var walk func(role string) int
	walk = func(role string) int {
		if d, seen := depth[role]; seen {
			return d
		}
		depth[role] = -1
		deepest := 0
		for _, next := range includes[role] {
			d := walk(next)
			if d < 0 {
				wrong.Add(role, "policy.includes_itself_by_way_of", "Next", next)
				continue
			}
			deepest = max(deepest, d+1)
		}
		depth[role] = deepest
		return deepest
	}
	for _, role := range slices.Sorted(maps.Keys(includes)) {
		if d := walk(role); d == maxDepth { // the roles above it are as wrong, but hearing it once is enough
			wrong.Add(role, "policy.includes_roles_levels_deep_at", "Levels", d, "Most", maxDepth-1)
		}
	}
}

// String writes a rule the way the default files do.
func (r Rule) String() string {
	return strings.TrimRight(strings.Join([]string{r.PType, r.V0, r.V1, r.V2, r.V3, r.V4, r.V5}, ", "), ", ")
}
