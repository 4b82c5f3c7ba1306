#!/usr/bin/env bash
# Prints the Secrets that the manifests use, with new random values: k8s/make-secrets.sh | kubectl create -f -
# With the argument `production`: those of the production overlay; needs STRIPE_API_KEY, STRIPE_WEBHOOK_SECRET, REDIS_URL, and
# SMTP_USERNAME and SMTP_PASSWORD, which are empty if the mail server needs no login.
# Use `create`, not `apply`, so that a second run cannot change the password of an existing database. Or put them into your secret store.
set -euo pipefail

random() { openssl rand -base64 32 | tr '+/' '-_' | tr -d '\n'; }
unpadded() { base64 --wrap=0 | tr '+/' '-_' | tr -d '='; }

# An Ed25519 key as a JWK (RFC 8037), as kit.auth reads it: the raw keys are the last 32 bytes of their DER forms.
signing_keys() {
  local key
  key=$(openssl genpkey -algorithm ed25519)
  printf '{"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "%s", "x": "%s", "d": "%s"}]}' \
    "$(openssl rand 9 | unpadded)" \
    "$(openssl pkey -pubout -outform DER <<< "$key" | tail -c 32 | unpadded)" \
    "$(openssl pkey -outform DER <<< "$key" | tail -c 32 | unpadded)"
}

# secret NAME NAMESPACE TYPE [KEY VALUE]...
secret() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: %s}\ntype: %s\nstringData:\n' "$1" "$2" "$3"
  shift 3
  # In a quoted YAML string, a quote is doubled.
  printf "  %s: '%s'\n" "${@//\'/\'\'}"
}

stripe_key=${STRIPE_API_KEY:-sk_test_souk}
stripe_webhooks=${STRIPE_WEBHOOK_SECRET:-whsec_$(openssl rand -hex 24)}
sealing=${MAIL_SEALING_KEY:-$(random)}
payment_sealing=${PAYMENT_SEALING_KEY:-$(random)}
services=(account catalog order payment notification)
declare -A database

if [ "${1:-}" = production ]; then
  : "${STRIPE_API_KEY:?the secret key of Stripe}" "${STRIPE_WEBHOOK_SECRET:?what Stripe signs webhooks with}" "${REDIS_URL:?rediss://:password@host:6379}"
  : "${SMTP_USERNAME?the user name at the mail server}" "${SMTP_PASSWORD?the password at the mail server}"
  for service in "${services[@]}"; do
    password=$(openssl rand -hex 24)
    # The role's password, for the operator and in the service's DATABASE_URL.
    secret "postgresql-$service" ecommerce-data kubernetes.io/basic-auth username "$service" password "$password"
    database[$service]="postgresql://$service:$password@postgresql-rw.ecommerce-data:5432/$service?sslmode=verify-full&sslrootcert=/etc/souk/authorities/postgresql.crt"
  done
  password=$(openssl rand -hex 24)
  secret elasticsearch-catalog ecommerce-data kubernetes.io/basic-auth username catalog password "$password" roles catalog
  secret elasticsearch-roles ecommerce-data Opaque roles.yml 'catalog: {cluster: [monitor], indices: [{names: ["catalog-products*"], privileges: [all]}]}'
  secret gateway ecommerce Opaque REDIS_URL "${REDIS_URL}/1"
  mail=(SMTP_USERNAME "$SMTP_USERNAME" SMTP_PASSWORD "$SMTP_PASSWORD")
  search=(ELASTICSEARCH_URL "https://catalog:$password@elasticsearch-es-http.ecommerce-data:9200?ca=/etc/souk/authorities/elasticsearch.crt" REDIS_URL "${REDIS_URL}/0")
else
  password=$(openssl rand -hex 24)
  secret postgresql ecommerce Opaque POSTGRES_PASSWORD "$password"
  for service in "${services[@]}"; do
    database[$service]="postgresql://souk:$password@postgresql:5432/$service"
  done
  search=()
  mail=()
fi

secret account ecommerce Opaque DATABASE_URL "${database[account]}" MAIL_SEALING_KEY "$sealing"
secret account-signing-keys ecommerce Opaque signing-keys.json "$(signing_keys)"
secret catalog ecommerce Opaque DATABASE_URL "${database[catalog]}" "${search[@]}"
secret order ecommerce Opaque DATABASE_URL "${database[order]}"
secret payment ecommerce Opaque DATABASE_URL "${database[payment]}" STRIPE_API_KEY "$stripe_key" STRIPE_WEBHOOK_SECRET "$stripe_webhooks" PAYMENT_SEALING_KEY "$payment_sealing"
secret notification ecommerce Opaque DATABASE_URL "${database[notification]}" MAIL_SEALING_KEY "$sealing" "${mail[@]}"
