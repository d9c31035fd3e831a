import type { Fact } from '#ledger'
import type { LogReceiver } from './receiver.ts'

export function receiverAdded({ id, name, url, logs }: LogReceiver): Fact {
  return { type: 'log-receiver-added', data: { receiver: id, name, url, logs } }
}

export function receiverRemoved({ id, name }: LogReceiver): Fact {
  return { type: 'log-receiver-removed', data: { receiver: id, name } }
}
