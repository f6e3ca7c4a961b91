import { type Step, STEPS } from './schema';

/** Where the user is, and where they have been. */
export class Journey {
  step: Step = 'model';
  /** Steps that were left once. */
  visited = new Set<Step>();
  /** The field that the user asked to see, a new object each time. */
  wanted: { field: string } | null = null;

  /** Go to a step, and there to a field, if one is wanted; returns whether it is another step. */
  goTo(step: Step, field: string | null): boolean {
    this.wanted = field === null ? null : { field };
    if (step === this.step) {
      return false;
    }
    this.visited.add(this.step);
    this.step = step;
    return true;
  }

  /** The step so many steps on, if there is one. */
  beside(by: 1 | -1): Step | undefined {
    return STEPS[STEPS.indexOf(this.step) + by];
  }

  /** Whether the user has seen all that a step asks for; the review names it all. */
  knows(step: Step | undefined): boolean {
    const reviewed = this.step === 'review' || this.visited.has('review');
    return reviewed || (step !== undefined && this.visited.has(step));
  }

  /** Go on where another page or an earlier one was. */
  restore(step: Step, visited: Step[]): void {
    this.step = STEPS.includes(step) ? step : 'model';
    this.visited = new Set(visited);
  }
}
