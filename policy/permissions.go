// Package policy decides who may do what. Two engines must both agree, and either alone refuses: Casbin says whether a
// role may ever do a thing (casbin.go, its rules live in each realm's schema), OPA says whether this person may do it to
// this thing now, and over which rows (engine.go and rego/). Rules and facts come in as values; nothing here reads a
// database, a clock or the network.
package policy

import (
	"slices"
	"strings"

	"lignum/domain/words"
)

// RealmKind says in which kind of realm a permission means something.
type RealmKind uint8

// The kinds. The zero value is none of them, so that a forgotten kind matches nothing.
const (
	Tenant   RealmKind = iota + 1 // a country or a college
	Platform                      // the platform's own realm, with no learner in it
	Either                        // a person's own account, wherever they sign in
)

// String is the name that the Rego rules use: "tenant", "platform", "either", or "" for the zero value.
func (k RealmKind) String() string {
	switch k {
	case Tenant:
		return "tenant"
	case Platform:
		return "platform"
	case Either:
		return "either"
	}
	return ""
}

// PlatformRealm is the name of the platform's own realm in rules and tokens; any other name is a tenant's slug.
const PlatformRealm = "platform"

// KindOf tells the platform's realm from a tenant's by name.
func KindOf(realm string) RealmKind {
	if realm == PlatformRealm {
		return Platform
	}
	return Tenant
}

// Permission is one thing that a route lets somebody do. It is comparable. The zero value names nothing, is refused by
// routes and denied by both engines.
type Permission struct {
	entry  *entry
	public string
}

type entry struct {
	index    int // place in registry: the column in an enforcer's decision cache
	name     string
	realm    RealmKind
	mutating bool
}

// Public marks a route that anyone may call without signing in; the reason is for the reader of the route table.
// Without a reason it gives the zero value, which routes refuse.
func Public(reason string) Permission { return Permission{public: strings.TrimSpace(reason)} }

// Name is "noun.verb", or "" for a public or zero permission.
func (p Permission) Name() string {
	if p.entry == nil {
		return ""
	}
	return p.entry.name
}

// IsZero tells a permission that nobody declared.
func (p Permission) IsZero() bool { return p.entry == nil && p.public == "" }

// IsPublic returns the reason for which a route needs no permission.
func (p Permission) IsPublic() (reason string, ok bool) { return p.public, p.public != "" }

// Mutating reports whether routes with this permission change data: refused while a tenant is read-only, audited otherwise.
func (p Permission) Mutating() bool { return p.entry != nil && p.entry.mutating }

// Realm is where the permission means something; zero for a public or zero permission.
func (p Permission) Realm() RealmKind {
	if p.entry == nil {
		return 0
	}
	return p.entry.realm
}

// Description says in a sentence what the permission lets somebody do: "Register for a class."
func (p Permission) Description() words.Text { return p.Words().Sentence() }

// Words says within a sentence what the permission lets somebody do: "register for a class".
func (p Permission) Words() words.Text {
	if p.entry == nil {
		return words.Text{}
	}
	return words.Say("permission." + wordKey.Replace(p.entry.name))
}

var wordKey = strings.NewReplacer(".", "_", "-", "_")

// RoleWords says a role's name within a sentence: "tenant administrator".
func RoleWords(role string) string { return strings.ReplaceAll(role, "_", " ") }

// In reports whether the permission means anything in a realm of that kind.
func (p Permission) In(kind RealmKind) bool {
	return p.entry != nil && (p.entry.realm == kind || p.entry.realm == Either)
}

var (
	registry []Permission
	byName   = map[string]Permission{}
)

func read(realm RealmKind, name string) Permission {
	return declare(realm, name, false)
}

func change(realm RealmKind, name string) Permission {
	return declare(realm, name, true)
}

func declare(realm RealmKind, name string, mutating bool) Permission {
	if _, twice := byName[name]; twice {
		panic("policy: permission " + name + " is declared twice")
	}
	p := Permission{entry: &entry{len(registry), name, realm, mutating}}
	registry = append(registry, p)
	byName[name] = p
	return p
}

// Catalogue is every permission there is, sorted by name.
func Catalogue() []Permission {
	return slices.SortedFunc(slices.Values(registry), func(a, b Permission) int { return strings.Compare(a.Name(), b.Name()) })
}

// Lookup finds a permission by its name.
func Lookup(name string) (Permission, bool) {
	p, ok := byName[name]
	return p, ok
}
