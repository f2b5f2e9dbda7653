// An OpenID Connect provider on loopback for the tests, as `node provider.mjs CONFIGURATION`.
//
// Belongs here: the provider's people, client and keys, all from the JSON given by the test that
// starts it. Does not belong here: anything the tests assert.
import { Provider } from 'oidc-provider';

const given = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${given.port}`;

const provider = new Provider(issuer, {
  jwks: { keys: given.keys },
  cookies: { keys: ['tests only'] },
  clients: [
    {
      client_id: given.clientId,
      client_secret: given.clientSecret,
      redirect_uris: given.redirectUris,
      post_logout_redirect_uris: given.redirectUris,
      grant_types: ['authorization_code'],
      response_types: ['code'],
      id_token_signed_response_alg: given.algorithm,
    },
  ],
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
  claims: { openid: ['sub', 'auth_time'], email: ['email', 'email_verified'], profile: ['name'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  ttl: { IdToken: given.idTokenSeconds, AccessToken: 3600, Session: 3600, Grant: 3600, Interaction: 600 },
  // Whoever types a name at this provider is that person.
  findAccount: (_context, name) => ({
    accountId: name,
    claims: () => ({ sub: name, name, ...(given.people[name] ?? {}) }),
  }),
});

provider.listen(given.port, '127.0.0.1', () => console.log(`listening at ${issuer}`));
