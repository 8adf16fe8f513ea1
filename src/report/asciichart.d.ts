/** The library brings no types; this is what is used of it. */
declare module 'asciichart' {
  interface PlotOptions {
    /** Rows between the lowest and the highest value. */
    height: number;
    min: number;
    max: number;
    /** Columns before the first point, the axis among them; a label stands in one of them. */
    offset: number;
    format(value: number): string;
  }
  export function plot(series: number[], options: PlotOptions): string;
}
