import type { Notice } from './notice.ts'

/** The words of one kind of receiver. */
export interface Teller {
  /** What is sent, without any secret: it is kept until it has arrived. Undefined for what this receiver has no word for. */
  bodyOf(notice: Notice): string | undefined
  /** Whether it forgets what it is not told again and again. */
  readonly forgets?: boolean
}
