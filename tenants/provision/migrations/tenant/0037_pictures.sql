-- The pictures of each lesson, in the order in which it shows them. Their bytes are files of the purpose lesson, one for each content; what no lesson names
-- any more, the sweep of files takes away.
ALTER TABLE lessons ADD COLUMN pictures jsonb NOT NULL DEFAULT '[]';    -- [{"sha256": "…", "alt": "…", "caption": "…", "width": 1, "height": 1}]

CREATE UNIQUE INDEX files_of_lessons ON files (sha256) WHERE purpose = 'lesson';

-- A lesson of a published course.
DROP FUNCTION lesson_page(text, text);
CREATE FUNCTION lesson_page(of_course text, of_lesson text)
RETURNS TABLE (id uuid, slug text, title text, section text, minutes integer, course_id uuid, course text, course_title text, section_title text, html text,
    content_hash text, pictures jsonb)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT l.id, l.slug, l.title, s.code, l.minutes, c.id, c.slug, c.title, s.title, l.html, l.content_hash, l.pictures
    FROM courses c JOIN lessons l ON l.course_id = c.id JOIN course_sections s ON s.id = l.section_id
    WHERE c.slug = of_course AND c.published AND l.slug = of_lesson AND l.active;
END $$;

-- The file of a picture that a lesson of a published course shows, by the hash of its bytes.
CREATE FUNCTION lesson_picture(of_course text, of_lesson text, of_hash text) RETURNS SETOF files
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM courses c JOIN lessons l ON l.course_id = c.id JOIN files f ON f.sha256 = of_hash AND f.purpose = 'lesson'
    WHERE c.slug = of_course AND c.published AND l.slug = of_lesson AND l.active AND l.pictures @> jsonb_build_array(jsonb_build_object('sha256', of_hash));
END $$;

GRANT EXECUTE ON FUNCTION lesson_page, lesson_picture TO {{login}};
