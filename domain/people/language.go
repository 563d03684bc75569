package people

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// ChooseLanguage stores in which language a person wants to be spoken with: a tag of BCP 47, or "" for whatever their browser and the tenant say. Whether the
// tenant has the language is for the caller to know. Tokens that are out say the language before until they are renewed. Errors: Invalid, NotFound.
func ChooseLanguage(ctx context.Context, tx *tenants.Tx, id uuid.UUID, locale string, now time.Time) error {
	if locale != "" && !localePattern.MatchString(locale) {
		return domain.InvalidField("locale", "people.must_be_a_language_tag")
	}
	var before string
	err := tx.QueryRow(ctx, `UPDATE users u SET locale = nullif($2::text, ''), updated_at = $3::timestamptz FROM (SELECT id, locale FROM users WHERE id = $1::uuid FOR NO KEY UPDATE) was
		WHERE u.id = was.id RETURNING coalesce(was.locale, '')`, id.String(), locale, now).Scan(&before)
	if err != nil {
		return notFound(err, "domain.there_is_no_such_user")
	}
	tx.Record(audit.Entry{Action: "user.language", ObjectKind: "user", ObjectID: id.String(), Before: map[string]string{"locale": before}, After: map[string]string{"locale": locale}})
	return nil
}
