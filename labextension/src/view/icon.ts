import { LabIcon } from '@jupyterlab/ui-components';

// Three sliders: something is being tuned.
const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M5 3h2v5H5zM5 14h2v7H5zM11 3h2v10h-2zM11 19h2v2h-2zM17 3h2v3h-2zM17 12h2v9h-2z"/>
    <path d="M3 8h6v6H3zM9 13h6v6H9zM15 6h6v6h-6z"/>
  </g>
</svg>`;

export const fineTuneIcon = new LabIcon({ name: 'jupyter-ft:tune', svgstr });
