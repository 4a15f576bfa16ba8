//! Disks, CD/DVD drives and network adapters: the card of a VM, its dialogs, and their tasks.

use crate::text::deferred::DevicePages;
use crate::text::ja::spaced;
use crate::text::ja::tasks;

pub(super) const DEVICES: DevicePages = DevicePages {
    title: "ハードウェア デバイス",
    loading: "ホストからデバイスを読み取っています…",
    not_loaded: |why| spaced(&["デバイスを読み取れませんでした: ", why]),
    reload: "デバイスを再読み取り",
    none: "ディスク、CD/DVD ドライブ、ネットワーク アダプタはありません。",
    not_off: "ハードウェアを変更できるのはパワーオフ状態のときだけです。",
    disk: "ディスク",
    cdrom: "CD/DVD ドライブ",
    nic: "ネットワーク アダプタ",
    thin: "シン プロビジョニング",
    thick: "シック プロビジョニング",
    no_iso: "ISO イメージなし",
    no_network: "ポート グループなし",
    disconnected: "パワーオン時に接続しない",
    size: "サイズ",
    gb: |size| format!("{size} GB"),
    fixed: tasks::fixed_disk,
    grow: "拡張",
    grow_this: |key| spaced(&["ディスク", key, "の拡張"]),
    grow_question: |key, vm| spaced(&[vm, "のディスク", key, "の拡張"]),
    now: "現在",
    new_size: "新しいサイズ（GB）",
    larger_than: |size| spaced(&[size, "より大きい値を入力してください。"]),
    at_most: |size| spaced(&[&format!("{size} GB"), "以下の値を入力してください。"]),
    grow_is_final: "ディスクを縮小することはできないため、元に戻せません。",
    guest_grows_itself: "パーティションとファイル システムは変更されません。ゲスト OS で拡張してください。",
    iso: "ISO イメージ",
    change_cdrom: |key| spaced(&["CD/DVD ドライブ", key, "の変更"]),
    cdrom_question: |key, vm| spaced(&[vm, "の CD/DVD ドライブ", key]),
    change: "変更",
    save: "保存",
    port_group: "ポート グループ",
    move_nic: |key| spaced(&["ネットワーク アダプタ", key, "の移動"]),
    nic_question: |key, vm| spaced(&[vm, "のネットワーク アダプタ", key]),
    not_listed: "ホストのリストになし",
};
