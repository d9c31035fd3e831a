import type { Fact } from '#ledger'
import type { DataStore, StoreToken } from './datastore.ts'

// Objects come and go with every push and are not told one by one; of a token only its name and what it allows.

export function dataStoreCreated({ id, name, access, quotaBytes }: DataStore): Fact {
  return { type: 'data-store-created', data: { id, name, access, quotaBytes } }
}

export function dataStoreQuotaChanged(
  { id, name, quotaBytes }: DataStore,
  before: number | null,
): Fact {
  return { type: 'data-store-quota-changed', data: { id, name, quotaBytes, before } }
}

export function dataStoreTokenMade({ id, name }: DataStore, token: StoreToken): Fact {
  return { type: 'data-store-token-made', data: { id, name, ...told(token) } }
}

export function dataStoreTokenRevoked({ id, name }: DataStore, token: StoreToken): Fact {
  return { type: 'data-store-token-revoked', data: { id, name, ...told(token) } }
}

export function dataStoreDeleted({ id, name, objects, usedBytes }: DataStore): Fact {
  return { type: 'data-store-deleted', data: { id, name, objects, usedBytes } }
}

function told({ id, name, access }: StoreToken) {
  return { token: id, tokenName: name, access }
}
