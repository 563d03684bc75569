-- A class that meets at no set time has an empty list of times. Some were stored as JSON's null, on which whatever takes the list apart fails.
UPDATE classes SET weekly = '[]' WHERE jsonb_typeof(weekly) <> 'array';
ALTER TABLE classes ADD CONSTRAINT classes_weekly CHECK (jsonb_typeof(weekly) = 'array');
