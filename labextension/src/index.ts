import { commPlugin } from './plugins/comm';
import { filesPlugin } from './plugins/files';
import { helpPlugin } from './plugins/help';
import { launcherPlugin } from './plugins/launcher';
import { panelPlugin } from './plugins/panel';

export * from './tokens';

export default [panelPlugin, filesPlugin, launcherPlugin, helpPlugin, commPlugin];
