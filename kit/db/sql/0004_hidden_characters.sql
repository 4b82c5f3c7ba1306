-- The first character of a text that names must not contain (ADR 0024), as U+202E; NULL when there is none. For migrations that list
-- older rows. It knows only the characters that are wrong everywhere: kit.values.names also judges joiners and variation selectors by context.
CREATE FUNCTION hidden_character(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT 'U+' || lpad(upper(to_hex(ascii((regexp_match(
        $1,
        '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ue000-\uf8ff\ufeff\uffa0\ufffc]'
    ))[1]))), 4, '0')
$$;
