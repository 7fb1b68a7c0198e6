#!/bin/bash
# The first process of a node, in namespaces of its own. It gives the node its private
# directories, says that it is ready, and then reaps orphans until it is ended.
#   node_init.sh DIRECTORY NAME LIFETIME_S LAYERS
set -eu
directory=$1 name=$2 lifetime=$3 layers=$4
mount --make-rprivate /
mount -t overlay -o "lowerdir=$layers:/usr" usr /usr
hostname "$name"
mount -t proc proc /proc
mount -t tmpfs -o mode=755,size=64m run /run
mkdir -p /run/lock /run/resource-agents /run/apache2 /run/sshd
chmod 1777 /run/lock
mount -t tmpfs -o mode=1777,size=512m shm /dev/shm
# etc/… and var/… of the node's disk stand in the place of the machine's.
while read -r place; do
    mount --bind "$directory/$place" "/$place"
done < "$directory/places"
cd /
echo ready > "$directory/ready"
sleep "$lifetime" &
wait $!
