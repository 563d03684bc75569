package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog/item"
	"lignum/tenants"
)

// Item is one version of an item of a bank. It is shared by everybody who asks and must not be changed.
type Item struct {
	ID        uuid.UUID
	CourseID  uuid.UUID
	SectionID uuid.UUID
	Section   string // code
	Name      string
	Category  string
	Content   *item.Item
	Shown     item.Public // rendered, not shuffled: Shown.Shuffled(seed) gives a learner's copy
	Key       *item.Key   // what is told once it is scored
}

// Items keeps items in the process's memory. A version never changes, so nothing here grows old; what is least used
// falls out. Safe for concurrent use.
type Items struct {
	kept *lru.Cache[itemKey, *Item]
}

// itemKey holds the realm, so that an id of one tenant is nothing in another.
type itemKey struct {
	realm string
	id    uuid.UUID
}

// NewItems makes a memory for so many items, of some 6 KB each.
func NewItems(size int) (*Items, error) {
	kept, err := lru.New[itemKey, *Item](size)
	return &Items{kept}, err
}

// Get returns items of a realm (tenants.Realm.Name) by id, in the order asked, inactive versions too. What is not in
// memory is read in one statement. An unknown id is domain.NotFound.
func (m *Items) Get(ctx context.Context, q tenants.Querier, realm string, ids []uuid.UUID) ([]*Item, error) {
	list := make([]*Item, len(ids))
	var missing []string
	for i, id := range ids {
		if it, ok := m.kept.Get(itemKey{realm, id}); ok {
			list[i] = it
		} else {
			missing = append(missing, id.String())
		}
	}
	if len(missing) == 0 {
		return list, nil
	}
	rows, err := q.Query(ctx, `SELECT i.id, i.course_id, i.section_id, s.code, i.name, i.category, i.body::text
		FROM items i JOIN course_sections s ON s.id = i.section_id WHERE i.id = ANY ($1::text[]::uuid[])`, missing)
	if err != nil {
		return nil, err
	}
	read, err := pgx.CollectRows(rows, scanItem)
	if err != nil {
		return nil, err
	}
	found := make(map[uuid.UUID]*Item, len(read))
	for _, it := range read {
		found[it.ID] = it
		m.kept.Add(itemKey{realm, it.ID}, it)
	}
	for i, id := range ids {
		if list[i] == nil {
			if list[i] = found[id]; list[i] == nil {
				return nil, domain.Refuse(domain.NotFound, "catalog.there_is_no_item", "Item", id)
			}
		}
	}
	return list, nil
}

// Known returns items that are all in memory, in the order asked, or false.
func (m *Items) Known(realm string, ids []uuid.UUID) ([]*Item, bool) {
	list := make([]*Item, len(ids))
	for i, id := range ids {
		it, ok := m.kept.Get(itemKey{realm, id})
		if !ok {
			return nil, false
		}
		list[i] = it
	}
	return list, true
}

func scanItem(row pgx.CollectableRow) (*Item, error) {
	it := &Item{}
	var body string
	if err := row.Scan(&it.ID, &it.CourseID, &it.SectionID, &it.Section, &it.Name, &it.Category, &body); err != nil {
		return nil, err
	}
	var err error
	if it.Content, err = item.Unmarshal([]byte(body)); err != nil {
		return nil, fmt.Errorf("stored item %s: %w", it.ID, err)
	}
	it.Shown, it.Key = it.Content.Show(), item.NewKey(it.Content)
	return it, nil
}
