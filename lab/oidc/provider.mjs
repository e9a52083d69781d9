// The OpenID provider of the tests: oidc-provider (certified by the OpenID Foundation) on loopback, with the clients and accounts that the
// test names. Arguments: the folder with its modules, and { clients, accounts } as JSON. Says its issuer, then serves until it is killed.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [modules, setup] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));
const { clients, accounts } = JSON.parse(setup);

const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://localhost:${server.address().port}`;

const provider = new Provider(issuer, {
  clients,
  claims: { openid: ['sub', 'acr', 'amr', 'auth_time'], email: ['email', 'email_verified'] },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
  jwks: { keys: keys() },
  findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...accounts[sub]?.claims }) }),
});

// Its own page asks for nothing but a name and a password; by what else somebody has proven themselves, the test says.
const finish = provider.interactionFinished.bind(provider);
provider.interactionFinished = (request, response, result, options) => {
  const account = accounts[result.login?.accountId];
  if (account) Object.assign(result.login, account.login);
  return finish(request, response, result, options);
};

function keys() {
  const kinds = [['rsa', { modulusLength: 2048 }], ['ec', { namedCurve: 'P-256' }], ['ed25519', {}]];
  return kinds.map(([kind, options]) => ({ ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), use: 'sig' }));
}

server.on('request', provider.callback());
console.log(issuer);
