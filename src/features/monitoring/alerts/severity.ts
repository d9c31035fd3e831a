/** `critical` is told at once, `warning` when it lasts. */
export type Severity = 'warning' | 'critical'
