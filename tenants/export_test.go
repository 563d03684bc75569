package tenants

// FieldsOf, CheckFields and BoundsOf are for documents that tests declare.
var (
	FieldsOf    = fieldsOf
	CheckFields = checkFields
	BoundsOf    = Field.bounds
)
