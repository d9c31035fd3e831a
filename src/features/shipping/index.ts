export {
  LOGS,
  type LogName,
  type LogReceiver,
  type NewLogReceiver,
  type Reached,
  type ShippingHealth,
} from './receiver.ts'
export { nextOf, type Document, type Send, type Taken } from './ship.ts'
export { createShipping, type Shipping } from './shipping.ts'
export type { ShippingReads, ShippingWrites } from './store.ts'
