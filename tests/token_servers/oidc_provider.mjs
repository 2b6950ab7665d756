// An authorization server built on oidc-provider: node oidc_provider.mjs PORT

import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const client = (id) => ({
    client_id: id,
    client_secret: process.env.CLIENT_SECRET,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: `client_secret_${id}`,
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [client('basic'), client('post')],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    scopes: ['esp'],
});
provider.use(async (ctx, next) => {
    if (ctx.path !== '/active') return next();
    const token = await provider.ClientCredentials.find(ctx.query.token);
    ctx.body = String(token !== undefined && token.isValid);
});
provider.listen(port, '127.0.0.1');
