// PostGraphile 5 over node's HTTP server, a process a processor.
'use strict';
const cluster = require('node:cluster');
const { createServer } = require('node:http');
const { postgraphile } = require('postgraphile');
const { PostGraphileAmberPreset } = require('postgraphile/presets/amber');
const { makePgService } = require('postgraphile/adaptors/pg');
const { grafserv } = require('postgraphile/grafserv/node');

const PROCESSES = 2;

async function serve() {
	const pool = Number(process.env.BENCH_POOL);
	const preset = {
		extends: [PostGraphileAmberPreset],
		pgServices: [makePgService({
			poolConfig: {
				host: process.env.BENCH_DATABASE, user: 'quern', database: 'postgres', port: 5432,
				max: pool, min: pool, idleTimeoutMillis: 0,
			},
			schemas: ['public'],
			pubsub: false,
		})],
		grafserv: { graphiql: false, watch: false, graphqlPath: '/graphql' },
		grafast: { explain: false },
		// Plain lists: no cursors, no counts, no edges.
		schema: { defaultBehavior: '+list -connection' },
	};
	const serv = postgraphile(preset).createServ(grafserv);
	const server = createServer({ keepAliveTimeout: 75000 });
	await serv.addTo(server);
	server.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 4096 });
}

if (cluster.isPrimary) {
	for (let i = 0; i < PROCESSES; i++) cluster.fork();
	cluster.on('exit', () => process.exit(1));
	process.on('SIGTERM', () => process.exit(0));
} else {
	serve();
}
