import { keptPerformance } from '#performance'
import type { Window } from './windows/window.ts'

/** A window that was kept, as text; of whatever age, it is one of now. */
export function keptWindow(body: string): Window {
  const window = JSON.parse(body) as Window
  return { ...window, performance: keptPerformance(window.performance) }
}
