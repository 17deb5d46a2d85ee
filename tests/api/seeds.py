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
