"""The rows that tests begin with, as SQL.  Small, and full of what trips a query up: NULLs, ties,
parents without children, text with %, _, \\ and quotes, letters beyond ASCII."""

STAFF = """
INSERT INTO role (name) VALUES ('Manager'), ('Senior Engineer'), ('Tech Lead'), ('Intern'), ('Archivist');
INSERT INTO employee (role_id, full_name, years_of_service, salary, bonus, temp_field, is_active) VALUES
 (1, 'Grace Adams',     12, 9100.00, 1200.00, NULL,    true),
 (1, 'John Carter',      4, 8050.50,  900.00, 10.00,   true),
 (2, 'Jane Okafor',      7, 7200.10,  650.00, NULL,    true),
 (2, 'Johnny Lindqvist', 3, 7010.05,  650.00, 0.00,    false),
 (2, 'Mei Tanaka',       9, 7999.99,    0.00, NULL,    true),
 (3, 'Omar Haddad',      1, 8800.00,  400.00, 25.50,   true),
 (3, 'Sofia Janečková',  2, 8600.00,  300.00, NULL,    true),
 (3, 'Liam O''Brien',    0, 8500.00,    0.00, NULL,    false),
 (4, '100%_sure\\ \\\\o/',  0, 1000.00,    0.00, NULL,    true),
 (4, 'Ümit Öztürk',      1, 1000.00,    0.00, 1000.00, false);
"""

NEWS = """
INSERT INTO author (handle) VALUES ('jane_doe'), ('john'), ('jane'), ('mallory'), ('silent');
INSERT INTO article (title, body, author_id, published) VALUES
 ('Dev diary: a week of C',       'pointers',       2, true),
 ('Ops at night',                 'pagers',         3, true),
 ('Infrastructure as a hobby',    'racks',          3, false),
 ('devops is people',             '',               1, true),
 ('The quiet garden',             'beans and peas', 4, true),
 ('Nobody wrote this',            'orphan',         NULL, true),
 ('Draft without a name',         '',               NULL, false),
 ('What 100% coverage hides',     'numbers_',       2, false);
INSERT INTO vote (author_id, article_id, created_at) VALUES
 (1, 1, '2026-01-05 10:00:00+00'), (2, 1, '2026-01-05 11:30:00.5+00'), (3, 1, '2026-02-01 00:00:00+00'),
 (1, 2, '2026-02-10 23:59:59+00'), (4, 2, '2026-03-01 12:00:00+00'),
 (1, 4, '2026-03-31 22:15:00+00'), (2, 4, '2026-04-01 00:15:00.123456+00'),
 (3, 5, '2026-04-02 08:00:00+00'),
 (2, 6, '2025-12-31 23:30:00+00');
"""

SERVERS = """
INSERT INTO server (hostname, port) VALUES ('prod-web1', 22), ('prod-web2', 22), ('prod-db', 2222),
 ('db01.internal', 22), ('staging-web1', 22), ('preprod-1', 22);
INSERT INTO administrator (name, email) VALUES ('Alex', 'alex@example.org'), ('Bea', 'bea@company.com'),
 ('Chen', 'chen@company.com'), ('Dana', 'dana@company.com.example');
"""

FLEET = SERVERS + """
INSERT INTO administrator_servers (administrator_id, server_id) VALUES (1, 1), (1, 5), (2, 4), (4, 4);
"""

FLEET_GRANTS = SERVERS + """
INSERT INTO accessgrant (admin_id, server_id, permission_level, is_active) VALUES
 (1, 1, 'admin', true), (1, 5, 'read', false), (2, 4, 'read', true), (4, 4, 'admin', true);
"""

# Spread by arithmetic over small numbers, so that every query finds ties, gaps and NULLs.
PRESS = """
INSERT INTO country (code, name) VALUES ('CZ', 'Czechia'), ('DE', 'Germany'), ('FI', 'Finland'),
 ('JP', 'Japan'), ('NG', 'Nigeria'), ('XX', 'Nowhere');
INSERT INTO person (name, nickname, born, country_id, mentor_id)
 SELECT (ARRAY['Anna','Bořek','Chidi','Dora','Emi','Filip'])[1 + i % 6] || ' ' ||
        (ARRAY['Novák','Adeyemi','Sato','Virtanen','Šíp','O''Neil','de la Cruz'])[1 + i % 7],
        CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN 'an_' || i WHEN 2 THEN '' ELSE '50%' END,
        CASE WHEN i % 5 = 0 THEN NULL ELSE date '1950-01-15' + i * 400 END,
        CASE WHEN i % 3 = 0 THEN NULL ELSE (ARRAY['CZ','DE','FI','JP','NG'])[1 + i % 5] END,
        CASE WHEN i % 4 = 1 THEN NULL ELSE i / 2 + CASE WHEN i < 2 THEN 1 ELSE 0 END END
 FROM generate_series(1, 30) i;
INSERT INTO profile (person_id, bio, karma)
 SELECT i, 'bio of ' || i, CASE WHEN i % 4 = 0 THEN NULL ELSE i * 7 % 11 - 3 END
 FROM generate_series(1, 30) i WHERE i % 3 <> 1;
INSERT INTO person_friends (from_person_id, to_person_id)
 SELECT a, b FROM (SELECT a, (a * 7) % 30 + 1 AS b FROM generate_series(1, 30) a) p WHERE a < b
 UNION SELECT b, a FROM (SELECT a, (a * 7) % 30 + 1 AS b FROM generate_series(1, 30) a) p WHERE a < b;
INSERT INTO person_follows (from_person_id, to_person_id)
 SELECT DISTINCT a, (a * b) % 30 + 1 FROM generate_series(1, 20) a, generate_series(2, 4) b WHERE a <> (a * b) % 30 + 1;
INSERT INTO publisher (name, country_id, founded)
 SELECT (ARRAY['Argo','Bonfire','Cedar','Delta'])[1 + i % 4],
        CASE WHEN i % 3 = 0 THEN NULL ELSE (ARRAY['CZ','DE','FI','JP','NG'])[1 + i % 5] END,
        CASE WHEN i % 4 = 3 THEN NULL ELSE 1900 + i * 11 END
 FROM generate_series(1, 9) i;
INSERT INTO book (title, publisher_id, author_id, editor_id, price, cost, pages, rating, published, released, in_print)
 SELECT (ARRAY['Night','The River','a Garden of C','SQL & You','100% Proof','under_score','C:\\path','Žluťoučký kůň'])[1 + i % 8]
          || CASE WHEN i % 3 = 0 THEN '' ELSE ' ' || i % 5 END,
        CASE WHEN i % 7 = 0 THEN NULL ELSE 1 + i % 8 END,
        1 + (i * i) % 17,
        CASE WHEN i % 3 = 0 THEN NULL ELSE 1 + (i * 5) % 23 END,
        CASE WHEN i % 6 = 0 THEN NULL ELSE round((i * 37 % 50) + 0.95, 2) END,
        round((i * 29 % 40) + 0.95, 2),
        (i * 53) % 400,
        CASE WHEN i % 5 = 0 THEN NULL ELSE (i % 9) / 2.0 END,
        CASE WHEN i % 8 = 0 THEN NULL ELSE date '2019-11-25' + i * 23 END,
        CASE WHEN i % 9 = 0 THEN NULL ELSE timestamptz '2019-12-30 20:00:00+00' + i * interval '17 days 5 hours 3 minutes 7.25 seconds' END,
        CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN true ELSE false END
 FROM generate_series(1, 60) i;
INSERT INTO book_translators (book_id, person_id)
 SELECT DISTINCT i, 1 + (i * j) % 29 FROM generate_series(1, 60) i, generate_series(1, 3) j WHERE (i + j) % 4 <> 0 AND i % 11 <> 0;
INSERT INTO chapter (book_id, number, title, words)
 SELECT i, j, CASE WHEN j = 1 THEN 'Intro' ELSE 'Part ' || j END, CASE WHEN (i + j) % 5 = 0 THEN NULL ELSE (i * j * 31) % 4000 END
 FROM generate_series(1, 60) i, generate_series(1, 5) j WHERE j <= i % 6;
INSERT INTO review (book_id, reviewer_id, stars, text, written_at)
 SELECT 1 + (i * i * 3) % 50, CASE WHEN i % 6 = 0 THEN NULL ELSE 1 + i % 19 END, 1 + i % 5,
        CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN 'fine' ELSE 'Too long' END,
        timestamptz '2025-01-01 00:00:00+00' + i * interval '3 days 1 hour 1 minute 1 second'
 FROM generate_series(1, 120) i;
"""

# Owner 1: cascades of every kind; 2: the one that SetToTwo falls back to; 3: protected; 4: left dangling;
# 5: alone; 6: what is nulled, defaulted and set.  Artist 1: albums whose songs are all his own; 2: an album
# with another's song.
DELETION = """
INSERT INTO owner (name) VALUES ('cascade'), ('two'), ('protect'), ('nothing'), ('alone'), ('set');
INSERT INTO label (name) VALUES ('red'), ('blue');
INSERT INTO owner_labels (owner_id, label_id) VALUES (1, 1), (1, 2), (5, 2);
INSERT INTO cascaded (owner_id) VALUES (1), (1), (2), (3);
INSERT INTO grandchild (parent_id) VALUES (1), (1), (2), (3);
INSERT INTO nulledbelow (parent_id) VALUES (1), (2), (3), (NULL);
INSERT INTO nulled (owner_id) VALUES (1), (6), (6), (NULL);
INSERT INTO defaulted (owner_id) VALUES (6), (5);
INSERT INTO settotwo (owner_id) VALUES (6), (5);
INSERT INTO protected (owner_id) VALUES (3), (3);
INSERT INTO "left" (owner_id) VALUES (4);
INSERT INTO badge (owner_id) VALUES (1), (2);
INSERT INTO artist (name) VALUES ('solo'), ('host'), ('guest');
INSERT INTO album (artist_id) VALUES (1), (1), (2);
INSERT INTO song (artist_id, album_id) VALUES (1, 1), (1, 2), (2, 3), (3, 3);
INSERT INTO node (name, parent_id) VALUES ('root', NULL), ('a', 1), ('b', 1), ('a1', 2), ('a2', 2), ('a11', 4), ('other', NULL);
"""

STUDIO = """
INSERT INTO author (handle, name) VALUES ('x', 'Xaver'), ('y', ''), ('z', 'Zoë');
INSERT INTO tag (name, kind) VALUES ('red', 'colour'), ('blue', 'colour'), ('loud', 'sound');
INSERT INTO article (title, body, reads, author_id, changed_at) VALUES
 ('First', '', 3, 1, '2020-01-01'), ('Second', 'b', 0, NULL, '2020-01-01'), ('Third', '', 9, 2, '2020-01-01');
INSERT INTO vote (author_id, article_id, weight) VALUES (1, 1, 1), (2, 1, 2), (1, 3, 5);
INSERT INTO remark (article_id, text, "create") VALUES (1, 'one', ''), (1, 'two', ''), (NULL, 'loose', ''), (3, 'other', '');
INSERT INTO summary (article_id, text) VALUES (3, 'third');
INSERT INTO article_tags (article_id, tag_id) VALUES (1, 1), (1, 3), (3, 2);
INSERT INTO team (name) VALUES ('A'), ('B');
INSERT INTO membership (team_id, author_id, role, level, note) VALUES (1, 1, 'lead', 3, ''), (1, 2, 'dev', 1, 'n');
INSERT INTO author_friends (from_author_id, to_author_id) VALUES (1, 2), (2, 1);
INSERT INTO country (code, name) VALUES ('FI', 'Finland'), ('SE', 'Sweden');
INSERT INTO city (name, country_id) VALUES ('Oulu', 'FI');
INSERT INTO counter (name, n, label) VALUES ('a', 1, ''), ('b', 2, '');
INSERT INTO score (player, season, points, is_current) VALUES ('p', 1, 10, false), ('p', 2, 20, true);
"""
