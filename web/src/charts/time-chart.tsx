import { useEffect, useEffectEvent, useRef } from 'react'
import uPlot from 'uplot'
import { usePaintedTheme } from '#web/ui/theme.tsx'
import { chartOptions, type ChartLook } from './chart-options.ts'

interface Chart {
  readonly look: ChartLook
  /** Seconds, then one list for each series. */
  readonly data: uPlot.AlignedData
  /** Where the keyboard has put the cursor; null leaves it to the pointer. */
  readonly cursor: number | null
  readonly onCursor: (index: number | null) => void
}

/** Lines, bands or bars over time, drawn on a canvas; it shares its cursor with others of the same `sync`. */
export function TimeChart(chart: Chart) {
  // A canvas does not change its colours by itself: another theme is another drawing.
  return <Drawing key={usePaintedTheme()} {...chart} />
}

function Drawing({ look, data, cursor, onCursor }: Chart) {
  const holder = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const newestData = useEffectEvent(() => data)
  const point = useEffectEvent(onCursor)

  useEffect(() => {
    const element = holder.current
    if (element === null) return undefined
    const options = chartOptions(look, {
      width: widthOf(element),
      ink: inkOf(element),
      onCursor: (index) => point(index),
    })
    const made = new uPlot(options, newestData(), element)
    chart.current = made
    const sizes = new ResizeObserver(() => {
      const width = widthOf(element)
      if (width !== made.width) made.setSize({ width, height: look.height })
    })
    sizes.observe(element)
    return () => {
      sizes.disconnect()
      made.destroy()
      chart.current = null
    }
  }, [look])

  useEffect(() => {
    if (chart.current?.data !== data) chart.current?.setData(data)
  }, [data])

  useEffect(() => {
    const made = chart.current
    const time = cursor === null ? undefined : made?.data[0][cursor]
    if (made === null || time === undefined) return
    made.setCursor({ left: made.valToPos(time, 'x'), top: 0 })
  }, [cursor])

  return <div ref={holder} aria-hidden className="chart" />
}

function widthOf(element: Element): number {
  return Math.max(200, element.clientWidth)
}

/** Reads the colours of the present theme from the style sheet, the one place that has them. */
function inkOf(element: Element): (name: string) => string {
  const style = getComputedStyle(element)
  return (name) => style.getPropertyValue(`--${name}`).trim()
}
