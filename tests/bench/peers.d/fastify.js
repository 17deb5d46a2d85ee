// Fastify and pg with SQL written by hand: prepared statements, serialisers from schemas, a process a processor.
//
// PORT and BENCH_DATABASE (the folder of PostgreSQL's socket) and BENCH_POOL come by the environment.
'use strict';
const cluster = require('node:cluster');
const fastify = require('fastify');
const pg = require('pg');

const PROCESSES = 2;

function serve() {
	pg.types.setTypeParser(20, Number);
	const pool = new pg.Pool({
		host: process.env.BENCH_DATABASE, user: 'quern', database: 'postgres', port: 5432,
		max: Number(process.env.BENCH_POOL), min: Number(process.env.BENCH_POOL), idleTimeoutMillis: 0,
	});
	const app = fastify({ logger: false, disableRequestLogging: true });
	for (const [method, url, status, fields, handler] of routes(pool))
		app.route({ method, url, schema: { response: { [status]: fields } }, handler });
	app.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 4096 });
}

const integer = { type: 'integer' }, text = { type: 'string' }, truth = { type: 'boolean' };
const maybe = (type) => ({ type: [type, 'null'] });
const object = (properties) => ({ type: 'object', properties });
const rows = (properties) => object({ results: { type: 'array', items: object(properties) } });

const article = { id: integer, title: text, body: text, author_id: maybe('integer'), published: truth };
const counted = { ...article, total_votes: integer };
const role = { id: integer, name: text };
const employee = {
	id: integer, role_id: integer, full_name: text, years_of_service: integer, salary: text, bonus: text,
	temp_field: maybe('string'), is_active: truth,
};

const ARTICLE = 'a.id, a.title, a.body, a.author_id, a.published';
const EMPLOYEE = 'e.id, e.role_id, e.full_name, e.years_of_service, e.salary, e.bonus, e.temp_field, e.is_active';

const SQL = {
	point: `SELECT ${ARTICLE} FROM article a WHERE a.id = $1`,
	joined: `SELECT ${EMPLOYEE}, r.name AS role_name FROM employee e JOIN role r ON r.id = e.role_id WHERE e.id > $1 ORDER BY e.id LIMIT 20`,
	page: `SELECT ${ARTICLE}, (SELECT count(*) FROM vote v WHERE v.article_id = a.id) AS total_votes
		FROM article a WHERE a.id > $1 ORDER BY a.id LIMIT 20`,
	top: `SELECT ${ARTICLE}, t.n AS total_votes
		FROM (SELECT article_id, count(*) AS n FROM vote GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10) t
		JOIN article a ON a.id = t.article_id ORDER BY t.n DESC, a.id`,
	voted: `SELECT ${ARTICLE} FROM vote v JOIN article a ON a.id = v.article_id WHERE v.author_id = $1 ORDER BY a.id`,
	roles: 'SELECT id, name FROM role WHERE id > $1 ORDER BY id LIMIT 20',
	employees: `SELECT ${EMPLOYEE} FROM employee e WHERE e.role_id = ANY($1)`,
	raise: 'UPDATE employee SET salary = salary + 1 WHERE id = $1',
	create: `INSERT INTO employee AS e (role_id, full_name, years_of_service, salary, bonus, temp_field, is_active)
		VALUES ($1, $2, $3, 0, 0, NULL, true) RETURNING ${EMPLOYEE}`,
	report: `SELECT a.author_id AS writer, count(*) AS n FROM vote v JOIN article a ON a.id = v.article_id
		WHERE a.author_id IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`,
};

function routes(pool) {
	// A name has pg prepare the statement once a connection.
	const ask = async (name, ...values) => pool.query({ name, text: SQL[name], values });
	const list = (name, parameter) => async (request) => ({ results: (await ask(name, ...parameter(request))).rows });
	const after = (request) => [Number(request.query.after)];

	async function joined(request) {
		const found = (await ask('joined', ...after(request))).rows;
		for (const one of found) one.role = { id: one.role_id, name: one.role_name };
		return { results: found };
	}

	async function prefetch(request) {
		const results = (await ask('roles', ...after(request))).rows;
		const byRole = new Map();
		for (const one of results) byRole.set(one.id, one.employee_set = []);
		for (const one of (await ask('employees', [...byRole.keys()])).rows) byRole.get(one.role_id).push(one);
		return { results };
	}

	async function create(request, reply) {
		const { role_id, full_name, years_of_service } = request.body;
		reply.code(201);
		return (await ask('create', role_id, full_name, years_of_service)).rows[0];
	}

	return [
		['GET', '/article/:n', 200, object(article), async (request) => (await ask('point', Number(request.params.n))).rows[0]],
		['GET', '/article', 200, rows(counted), list('page', after)],
		['GET', '/top', 200, rows(counted), list('top', () => [])],
		['GET', '/voted/:n', 200, rows(article), list('voted', (request) => [Number(request.params.n)])],
		['GET', '/employee', 200, rows({ ...employee, role: object(role) }), joined],
		['GET', '/role', 200, rows({ ...role, employee_set: { type: 'array', items: object(employee) } }), prefetch],
		['POST', '/employee/:n/raise', 200, object({ updated: integer }),
			async (request) => ({ updated: (await ask('raise', Number(request.params.n))).rowCount })],
		['POST', '/employee', 201, object(employee), create],
		['GET', '/report', 200, rows({ writer: integer, n: integer }), list('report', () => [])],
	];
}

if (cluster.isPrimary) {
	for (let i = 0; i < PROCESSES; i++) cluster.fork();
	cluster.on('exit', () => process.exit(1));
	process.on('SIGTERM', () => process.exit(0));
} else {
	serve();
}
